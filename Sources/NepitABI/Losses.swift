// The losses section of nepit.h; nepit.h documents each function.

public import CNepit
internal import Nepit

extension Reduction {
  init(_ value: nepit_reduction) throws(CallError) {
    guard let reduction = Reduction(rawValue: value) else { throw .parameter }
    self = reduction
  }
}

extension SoftmaxOptions {
  init(_ record: UnsafePointer<nepit_softmax_options>?) throws(CallError) {
    guard let record else {
      self = SoftmaxOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_softmax_options>.size else { throw .size }
    let options = record.pointee
    self = try SoftmaxOptions(
      labelSmoothing: options.label_smoothing, ignoredLabel: options.ignore_index, zLoss: options.z_loss,
      softcap: options.softcap, temperature: options.temperature, reduction: Reduction(options.reduction))
  }
}

extension DistillationOptions {
  init(_ record: UnsafePointer<nepit_distillation_options>?) throws(CallError) {
    guard let record else {
      self = DistillationOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_distillation_options>.size else { throw .size }
    let options = record.pointee
    guard let divergence = DistillationDivergence(rawValue: options.divergence), options.temperature_squared >> 1 == 0
    else { throw .parameter }
    self = try DistillationOptions(
      divergence: divergence, beta: options.beta, temperature: options.temperature,
      isTimesSquaredTemperature: options.temperature_squared == 1, reduction: Reduction(options.reduction))
  }
}

@_cdecl("nepit_softmax_cross_entropy") @implementation
public func nepit_softmax_cross_entropy(
  _ logits: nepit_array, _ labels: nepit_array, _ class_weights: nepit_array, _ row_weights: nepit_array,
  _ options: UnsafePointer<nepit_softmax_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?,
  _ log_sums: UnsafeMutablePointer<Double>?, _ argmax: UnsafeMutablePointer<Int64>?,
  _ counts: UnsafeMutablePointer<Int64>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = SoftmaxOutputs()
    (outputs.loss, outputs.losses, outputs.logSums) = (out, losses, log_sums)
    (outputs.argmax, outputs.counts, outputs.gradient) = (argmax, counts, try .optional(gradient))
    try softmaxCrossEntropy(
      of: Matrix(logits), against: Labels(Matrix(labels)), classWeights: .optional(class_weights),
      rowWeights: .optional(row_weights), options: SoftmaxOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_softmax_cross_entropy_soft") @implementation
public func nepit_softmax_cross_entropy_soft(
  _ logits: nepit_array, _ targets: nepit_array, _ class_weights: nepit_array, _ row_weights: nepit_array,
  _ options: UnsafePointer<nepit_softmax_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?,
  _ log_sums: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array, _ target_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = SoftTargetOutputs()
    (outputs.loss, outputs.losses, outputs.logSums) = (out, losses, log_sums)
    (outputs.gradient, outputs.targetGradient) = (try .optional(gradient), try .optional(target_gradient))
    try softmaxCrossEntropy(
      of: Matrix(logits), against: Matrix(targets), classWeights: .optional(class_weights),
      rowWeights: .optional(row_weights), options: SoftmaxOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_distillation") @implementation
public func nepit_distillation(
  _ student: nepit_array, _ teacher: nepit_array, _ row_weights: nepit_array,
  _ options: UnsafePointer<nepit_distillation_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?,
  _ student_gradient: nepit_mutable_array, _ teacher_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = DistillationOutputs()
    (outputs.loss, outputs.losses) = (out, losses)
    outputs.studentGradient = try .optional(student_gradient)
    outputs.teacherGradient = try .optional(teacher_gradient)
    try distillation(
      of: Matrix(teacher), into: Matrix(student), rowWeights: .optional(row_weights),
      options: DistillationOptions(options), into: outputs, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_logsumexp") @implementation
public func nepit_logsumexp(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try logSumExps(
      of: Matrix(logits), temperature: temperature, into: out, .optional(gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_softmax") @implementation
public func nepit_softmax(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try softmaxes(
      of: Matrix(logits), temperature: temperature, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_log_softmax") @implementation
public func nepit_log_softmax(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try logSoftmaxes(
      of: Matrix(logits), temperature: temperature, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_softmax_vjp") @implementation
public func nepit_softmax_vjp(
  _ logits: nepit_array, _ upstream: nepit_array, _ temperature: Double,
  _ execution: UnsafePointer<nepit_execution>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try softmaxVJPs(
      of: Matrix(logits), times: Matrix(upstream), temperature: temperature, into: MutableMatrix(gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_log_softmax_vjp") @implementation
public func nepit_log_softmax_vjp(
  _ logits: nepit_array, _ upstream: nepit_array, _ temperature: Double,
  _ execution: UnsafePointer<nepit_execution>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try logSoftmaxVJPs(
      of: Matrix(logits), times: Matrix(upstream), temperature: temperature, into: MutableMatrix(gradient),
      running: Execution(execution, environment))
  }
}

extension GaussianOptions {
  init(_ record: UnsafePointer<nepit_gaussian_options>?) throws(CallError) {
    guard let record else {
      self = GaussianOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_gaussian_options>.size else { throw .size }
    let options = record.pointee
    self = try GaussianOptions(freeBits: options.free_bits, reduction: Reduction(options.reduction))
  }
}

extension LikelihoodOptions {
  init(_ record: UnsafePointer<nepit_gaussian_nll_options>?) throws(CallError) {
    guard let record else {
      self = .gaussian
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_gaussian_nll_options>.size else { throw .size }
    let options = record.pointee
    self = try LikelihoodOptions(
      epsilon: options.eps, isFull: flag(options.full), isLog: flag(options.log_variance),
      reduction: Reduction(options.reduction))
  }

  init(_ record: UnsafePointer<nepit_poisson_nll_options>?) throws(CallError) {
    guard let record else {
      self = .poisson
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_poisson_nll_options>.size else { throw .size }
    let options = record.pointee
    self = try LikelihoodOptions(
      epsilon: options.eps, isFull: flag(options.full), isLog: flag(options.log_input),
      reduction: Reduction(options.reduction))
  }
}

/// 0 or 1.
private func flag(_ value: Int32) throws(CallError) -> Bool {
  guard value == 0 || value == 1 else { throw .parameter }
  return value == 1
}

extension PointwiseOutputs {
  init(
    _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array
  ) throws(CallError) {
    self.init()
    (loss, self.losses, self.terms) = (out, losses, try .optional(terms))
  }
}

@_cdecl("nepit_gaussian_kl") @implementation
public func nepit_gaussian_kl(
  _ mean: nepit_array, _ log_variance: nepit_array, _ other_mean: nepit_array, _ other_log_variance: nepit_array,
  _ options: UnsafePointer<nepit_gaussian_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array,
  _ mean_gradient: nepit_mutable_array, _ log_variance_gradient: nepit_mutable_array,
  _ other_mean_gradient: nepit_mutable_array, _ other_log_variance_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(
      try .optional(mean_gradient), try .optional(log_variance_gradient), try .optional(other_mean_gradient),
      try .optional(other_log_variance_gradient))
    try gaussianKLDivergence(
      ofMean: Matrix(mean), logVariance: Matrix(log_variance), fromMean: .optional(other_mean),
      logVariance: .optional(other_log_variance), options: GaussianOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_sigmoid_cross_entropy") @implementation
public func nepit_sigmoid_cross_entropy(
  _ logits: nepit_array, _ targets: nepit_array, _ weights: nepit_array, _ positive_weights: nepit_array,
  _ reduction: nepit_reduction, _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?,
  _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array, _ gradient: nepit_mutable_array,
  _ target_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(try .optional(gradient), try .optional(target_gradient))
    try sigmoidCrossEntropy(
      of: Matrix(logits), against: Matrix(targets), weights: .optional(weights),
      positiveWeights: .optional(positive_weights), reduction: Reduction(reduction), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_binary_cross_entropy") @implementation
public func nepit_binary_cross_entropy(
  _ probabilities: nepit_array, _ targets: nepit_array, _ weights: nepit_array, _ reduction: nepit_reduction,
  _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?,
  _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array, _ gradient: nepit_mutable_array,
  _ target_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(try .optional(gradient), try .optional(target_gradient))
    try binaryCrossEntropy(
      of: Matrix(probabilities), against: Matrix(targets), weights: .optional(weights),
      reduction: Reduction(reduction), into: outputs, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_gaussian_nll") @implementation
public func nepit_gaussian_nll(
  _ mean: nepit_array, _ targets: nepit_array, _ variance: nepit_array,
  _ options: UnsafePointer<nepit_gaussian_nll_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array,
  _ mean_gradient: nepit_mutable_array, _ target_gradient: nepit_mutable_array,
  _ variance_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(
      try .optional(mean_gradient), try .optional(target_gradient), try .optional(variance_gradient))
    try gaussianNegativeLogLikelihood(
      ofMean: Matrix(mean), at: Matrix(targets), variance: Matrix(variance), options: LikelihoodOptions(options),
      into: outputs, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_poisson_nll") @implementation
public func nepit_poisson_nll(
  _ rates: nepit_array, _ targets: nepit_array, _ options: UnsafePointer<nepit_poisson_nll_options>?,
  _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?,
  _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array, _ gradient: nepit_mutable_array,
  _ target_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(try .optional(gradient), try .optional(target_gradient))
    try poissonNegativeLogLikelihood(
      of: Matrix(rates), at: Matrix(targets), options: LikelihoodOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_sampled_kl") @implementation
public func nepit_sampled_kl(
  _ log_probabilities: nepit_array, _ other_log_probabilities: nepit_array, _ weights: nepit_array,
  _ estimator: nepit_kl_estimator, _ reduction: nepit_reduction, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array,
  _ gradient: nepit_mutable_array, _ other_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    guard let estimator = KLEstimator(rawValue: estimator) else { throw .parameter }
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(try .optional(gradient), try .optional(other_gradient))
    try sampledKLDivergence(
      of: Matrix(log_probabilities), from: Matrix(other_log_probabilities), weights: .optional(weights),
      estimator: estimator, reduction: Reduction(reduction), into: outputs, running: Execution(execution, environment))
  }
}

@_cdecl("nepit_policy_entropy") @implementation
public func nepit_policy_entropy(
  _ logits: nepit_array, _ mask: nepit_array, _ reduction: nepit_reduction,
  _ execution: UnsafePointer<nepit_execution>?, _ out: UnsafeMutablePointer<Double>?,
  _ entropies: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = PolicyOutputs()
    (outputs.entropy, outputs.entropies, outputs.gradient) = (out, entropies, try .optional(gradient))
    try policyEntropies(
      of: Matrix(logits), allowing: .optional(mask), reduction: Reduction(reduction), into: outputs,
      running: Execution(execution, environment))
  }
}

extension LabelOptions {
  init(_ record: UnsafePointer<nepit_nll_options>?) throws(CallError) {
    guard let record else {
      self = LabelOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_nll_options>.size else { throw .size }
    self = try LabelOptions(
      ignoredLabel: record.pointee.ignore_index, reduction: Reduction(record.pointee.reduction))
  }
}

@_cdecl("nepit_nll") @implementation
public func nepit_nll(
  _ log_probabilities: nepit_array, _ labels: nepit_array, _ class_weights: nepit_array,
  _ options: UnsafePointer<nepit_nll_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = LabelOutputs()
    (outputs.loss, outputs.losses, outputs.gradient) = (out, losses, try .optional(gradient))
    try negativeLogLikelihood(
      of: Matrix(log_probabilities), against: Labels(Matrix(labels)), classWeights: .optional(class_weights),
      options: LabelOptions(options), into: outputs, running: Execution(execution, environment))
  }
}
