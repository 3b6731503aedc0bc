// The discrete section of nepit.h; nepit.h documents each function.

public import CNepit
internal import Nepit

// MARK: - One distribution

@_cdecl("nepit_entropy") @implementation
public func nepit_entropy(
  _ weights: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try entropies(of: Matrix(weights), in: InformationUnit(base: base), into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_entropy_gradient") @implementation
public func nepit_entropy_gradient(
  _ weights: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try entropyGradients(
      of: Matrix(weights), in: InformationUnit(base: base), into: out, .optional(gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_renyi_entropy") @implementation
public func nepit_renyi_entropy(
  _ weights: nepit_array, _ order: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try renyiEntropies(
      of: Matrix(weights), order: order, in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_renyi_entropy_gradient") @implementation
public func nepit_renyi_entropy_gradient(
  _ weights: nepit_array, _ order: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try renyiEntropyGradients(
      of: Matrix(weights), order: order, in: InformationUnit(base: base), into: out, .optional(gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_tsallis_entropy") @implementation
public func nepit_tsallis_entropy(
  _ weights: nepit_array, _ order: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try tsallisEntropies(of: Matrix(weights), order: order, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_hill_number") @implementation
public func nepit_hill_number(
  _ weights: nepit_array, _ order: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try hillNumbers(of: Matrix(weights), order: order, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_perplexity") @implementation
public func nepit_perplexity(
  _ weights: nepit_array, _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try hillNumbers(of: Matrix(weights), order: 1, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_binary_entropy") @implementation
public func nepit_binary_entropy(
  _ probabilities: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try binaryEntropies(
      of: Matrix(probabilities), in: InformationUnit(base: base), into: MutableMatrix(out), nil,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_binary_entropy_gradient") @implementation
public func nepit_binary_entropy_gradient(
  _ probabilities: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try binaryEntropies(
      of: Matrix(probabilities), in: InformationUnit(base: base), into: .optional(out), .optional(gradient),
      running: Execution(execution, environment))
  }
}

// MARK: - Two distributions

@_cdecl("nepit_cross_entropy") @implementation
public func nepit_cross_entropy(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try crossEntropies(
      of: Matrix(p), relativeTo: Matrix(q), in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_cross_entropy_gradient") @implementation
public func nepit_cross_entropy_gradient(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try crossEntropyGradients(
      of: Matrix(p), relativeTo: Matrix(q), in: InformationUnit(base: base), into: out, .optional(p_gradient),
      .optional(q_gradient), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_kl_divergence") @implementation
public func nepit_kl_divergence(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try klDivergences(
      of: Matrix(p), from: Matrix(q), in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_kl_divergence_gradient") @implementation
public func nepit_kl_divergence_gradient(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try klDivergenceGradients(
      of: Matrix(p), from: Matrix(q), in: InformationUnit(base: base), into: out, .optional(p_gradient),
      .optional(q_gradient), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jeffreys_divergence") @implementation
public func nepit_jeffreys_divergence(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try jeffreysDivergences(
      Matrix(p), Matrix(q), in: InformationUnit(base: base), into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jeffreys_divergence_gradient") @implementation
public func nepit_jeffreys_divergence_gradient(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try jeffreysDivergenceGradients(
      Matrix(p), Matrix(q), in: InformationUnit(base: base), into: out, .optional(p_gradient), .optional(q_gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jensen_shannon_divergence") @implementation
public func nepit_jensen_shannon_divergence(
  _ p: nepit_array, _ q: nepit_array, _ weight: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try jensenShannonDivergences(
      Matrix(p), Matrix(q), weight: weight, asDistances: false, in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jensen_shannon_divergence_gradient") @implementation
public func nepit_jensen_shannon_divergence_gradient(
  _ p: nepit_array, _ q: nepit_array, _ weight: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try jensenShannonDivergenceGradients(
      Matrix(p), Matrix(q), weight: weight, asDistances: false, in: InformationUnit(base: base), into: out,
      .optional(p_gradient), .optional(q_gradient), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jensen_shannon_distance") @implementation
public func nepit_jensen_shannon_distance(
  _ p: nepit_array, _ q: nepit_array, _ weight: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try jensenShannonDivergences(
      Matrix(p), Matrix(q), weight: weight, asDistances: true, in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_jensen_shannon_distance_gradient") @implementation
public func nepit_jensen_shannon_distance_gradient(
  _ p: nepit_array, _ q: nepit_array, _ weight: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try jensenShannonDivergenceGradients(
      Matrix(p), Matrix(q), weight: weight, asDistances: true, in: InformationUnit(base: base), into: out,
      .optional(p_gradient), .optional(q_gradient), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_generalized_jensen_shannon") @implementation
public func nepit_generalized_jensen_shannon(
  _ weights: nepit_array, _ members: Int, _ mixing: UnsafePointer<Double>?, _ base: Double,
  _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try generalizedJensenShannonDivergences(
      of: Matrix(weights), members: UInt(bitPattern: members), mixing: mixing, in: InformationUnit(base: base),
      into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_renyi_divergence") @implementation
public func nepit_renyi_divergence(
  _ p: nepit_array, _ q: nepit_array, _ order: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try renyiDivergences(
      of: Matrix(p), from: Matrix(q), order: order, in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_renyi_divergence_gradient") @implementation
public func nepit_renyi_divergence_gradient(
  _ p: nepit_array, _ q: nepit_array, _ order: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try renyiDivergenceGradients(
      of: Matrix(p), from: Matrix(q), order: order, in: InformationUnit(base: base), into: out, .optional(p_gradient),
      .optional(q_gradient), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_tsallis_divergence") @implementation
public func nepit_tsallis_divergence(
  _ p: nepit_array, _ q: nepit_array, _ order: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try tsallisDivergences(
      of: Matrix(p), from: Matrix(q), order: order, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_alpha_divergence") @implementation
public func nepit_alpha_divergence(
  _ p: nepit_array, _ q: nepit_array, _ alpha: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try alphaDivergences(Matrix(p), Matrix(q), alpha: alpha, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_hellinger_distance") @implementation
public func nepit_hellinger_distance(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try hellingerDistances(
      Matrix(p), Matrix(q), squared: false, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_hellinger_distance_gradient") @implementation
public func nepit_hellinger_distance_gradient(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try hellingerDistanceGradients(
      Matrix(p), Matrix(q), squared: false, into: out, .optional(p_gradient), .optional(q_gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_squared_hellinger_distance") @implementation
public func nepit_squared_hellinger_distance(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try hellingerDistances(Matrix(p), Matrix(q), squared: true, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_squared_hellinger_distance_gradient") @implementation
public func nepit_squared_hellinger_distance_gradient(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ p_gradient: nepit_mutable_array, _ q_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try hellingerDistanceGradients(
      Matrix(p), Matrix(q), squared: true, into: out, .optional(p_gradient), .optional(q_gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_bhattacharyya_coefficient") @implementation
public func nepit_bhattacharyya_coefficient(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try bhattacharyyaDistances(Matrix(p), Matrix(q), in: nil, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_bhattacharyya_distance") @implementation
public func nepit_bhattacharyya_distance(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try bhattacharyyaDistances(
      Matrix(p), Matrix(q), in: InformationUnit(base: base), into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_chernoff_information") @implementation
public func nepit_chernoff_information(
  _ p: nepit_array, _ q: nepit_array, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ exponent: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try chernoffInformations(
      Matrix(p), Matrix(q), in: InformationUnit(base: base), into: out, exponents: exponent,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_total_variation") @implementation
public func nepit_total_variation(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try totalVariations(Matrix(p), Matrix(q), into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_pearson_chi2") @implementation
public func nepit_pearson_chi2(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try chiSquaredDivergences(
      of: Matrix(p), from: Matrix(q), isNeyman: false, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_neyman_chi2") @implementation
public func nepit_neyman_chi2(
  _ p: nepit_array, _ q: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try chiSquaredDivergences(
      of: Matrix(p), from: Matrix(q), isNeyman: true, into: out, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_population_stability_index") @implementation
public func nepit_population_stability_index(
  _ p: nepit_array, _ q: nepit_array, _ floor: Double, _ base: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try populationStabilityIndices(
      Matrix(p), Matrix(q), floor: floor, in: InformationUnit(base: base), into: out,
      running: Execution(execution, environment))
  }
}

// MARK: - Elementwise, zeros, check

@_cdecl("nepit_entr") @implementation
public func nepit_entr(
  _ x: nepit_array, _ execution: UnsafePointer<nepit_execution>?, _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try entr(Matrix(x), into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_rel_entr") @implementation
public func nepit_rel_entr(
  _ x: nepit_array, _ y: nepit_array, _ execution: UnsafePointer<nepit_execution>?, _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try relEntr(Matrix(x), Matrix(y), into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_kl_div") @implementation
public func nepit_kl_div(
  _ x: nepit_array, _ y: nepit_array, _ execution: UnsafePointer<nepit_execution>?, _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try klDiv(Matrix(x), Matrix(y), into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_smooth_additive") @implementation
public func nepit_smooth_additive(
  _ weights: nepit_array, _ alpha: Double, _ execution: UnsafePointer<nepit_execution>?, _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try smoothAdditive(Matrix(weights), alpha: alpha, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_smooth_mix") @implementation
public func nepit_smooth_mix(
  _ weights: nepit_array, _ weight: Double, _ background: nepit_array, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try smoothMix(
      Matrix(weights), weight: weight, background: background.data == nil ? nil : Matrix(background),
      into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_smooth_floor") @implementation
public func nepit_smooth_floor(
  _ weights: nepit_array, _ epsilon: Double, _ execution: UnsafePointer<nepit_execution>?, _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try smoothFloor(
      Matrix(weights), epsilon: epsilon, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_check_distribution") @implementation
public func nepit_check_distribution(
  _ weights: nepit_array, _ tolerance: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ finding: UnsafeMutablePointer<Int32>?, _ excess: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { environment throws(CallError) in
    try checkDistributions(
      Matrix(weights), tolerance: tolerance, into: finding, excess: excess, running: Execution(execution, environment))
  }
}
