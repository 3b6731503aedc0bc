// The Swift functions of matrices, as a package sees them: each in a row, with the results of its export.

import CNepit
import Nepit
import Testing

extension Call {
  /// An input as Swift's functions take it.
  fileprivate func matrix(of name: String) throws(CallError) -> Matrix {
    let array = array(name)
    return try Matrix(
      array.data, rows: UInt(array.rows), columns: UInt(array.cols), rowStride: array.row_stride,
      columnStride: array.col_stride, type: ElementType(rawValue: array.dtype)!)
  }

  fileprivate func mutableMatrix(of name: String) throws(CallError) -> MutableMatrix {
    let array = matrix(name)
    return try MutableMatrix(
      array.data, rows: UInt(array.rows), columns: UInt(array.cols), rowStride: array.row_stride,
      columnStride: array.col_stride, type: ElementType(rawValue: array.dtype)!)
  }

  fileprivate var p: Matrix { get throws(CallError) { try matrix(of: "p") } }
  fileprivate var q: Matrix { get throws(CallError) { try matrix(of: "q") } }
  fileprivate var weights: Matrix { get throws(CallError) { try matrix(of: "weights") } }
  fileprivate var unit: InformationUnit { get throws(CallError) { try InformationUnit(base: number("base")) } }
  fileprivate var pGradient: MutableMatrix { get throws(CallError) { try mutableMatrix(of: "p_gradient") } }
  fileprivate var qGradient: MutableMatrix { get throws(CallError) { try mutableMatrix(of: "q_gradient") } }
}

private typealias Body = @Sendable (Call, Execution) throws(CallError) -> Void

private let functions: [(export: String, run: Body)] = [
  ("entropy", { c, how throws(CallError) in
    try entropies(of: c.weights, in: c.unit, into: c.out("out"), running: how)
  }),
  ("entropy_gradient", { c, how throws(CallError) in
    try entropyGradients(
      of: c.weights, in: c.unit, into: c.out("out"), c.mutableMatrix(of: "gradient"), running: how)
  }),
  ("renyi_entropy", { c, how throws(CallError) in
    try renyiEntropies(of: c.weights, order: c.number("order"), in: c.unit, into: c.out("out"), running: how)
  }),
  ("renyi_entropy_gradient", { c, how throws(CallError) in
    try renyiEntropyGradients(
      of: c.weights, order: c.number("order"), in: c.unit, into: c.out("out"), c.mutableMatrix(of: "gradient"),
      running: how)
  }),
  ("tsallis_entropy", { c, how throws(CallError) in
    try tsallisEntropies(of: c.weights, order: c.number("order"), into: c.out("out"), running: how)
  }),
  ("hill_number", { c, how throws(CallError) in
    try hillNumbers(of: c.weights, order: c.number("order"), into: c.out("out"), running: how)
  }),
  ("perplexity", { c, how throws(CallError) in
    try hillNumbers(of: c.weights, order: 1, into: c.out("out"), running: how)
  }),
  ("binary_entropy", { c, how throws(CallError) in
    try binaryEntropies(
      of: c.matrix(of: "probabilities"), in: c.unit, into: c.mutableMatrix(of: "out"), nil, running: how)
  }),
  ("binary_entropy_gradient", { c, how throws(CallError) in
    try binaryEntropies(
      of: c.matrix(of: "probabilities"), in: c.unit, into: c.mutableMatrix(of: "out"),
      c.mutableMatrix(of: "gradient"), running: how)
  }),
  ("cross_entropy", { c, how throws(CallError) in
    try crossEntropies(of: c.p, relativeTo: c.q, in: c.unit, into: c.out("out"), running: how)
  }),
  ("cross_entropy_gradient", { c, how throws(CallError) in
    try crossEntropyGradients(
      of: c.p, relativeTo: c.q, in: c.unit, into: c.out("out"), c.pGradient, c.qGradient, running: how)
  }),
  ("kl_divergence", { c, how throws(CallError) in
    try klDivergences(of: c.p, from: c.q, in: c.unit, into: c.out("out"), running: how)
  }),
  ("kl_divergence_gradient", { c, how throws(CallError) in
    try klDivergenceGradients(
      of: c.p, from: c.q, in: c.unit, into: c.out("out"), c.pGradient, c.qGradient, running: how)
  }),
  ("jeffreys_divergence", { c, how throws(CallError) in
    try jeffreysDivergences(c.p, c.q, in: c.unit, into: c.out("out"), running: how)
  }),
  ("jeffreys_divergence_gradient", { c, how throws(CallError) in
    try jeffreysDivergenceGradients(
      c.p, c.q, in: c.unit, into: c.out("out"), c.pGradient, c.qGradient, running: how)
  }),
  ("jensen_shannon_divergence", { c, how throws(CallError) in
    try jensenShannonDivergences(
      c.p, c.q, weight: c.number("weight"), asDistances: false, in: c.unit, into: c.out("out"), running: how)
  }),
  ("jensen_shannon_divergence_gradient", { c, how throws(CallError) in
    try jensenShannonDivergenceGradients(
      c.p, c.q, weight: c.number("weight"), asDistances: false, in: c.unit, into: c.out("out"), c.pGradient,
      c.qGradient, running: how)
  }),
  ("jensen_shannon_distance", { c, how throws(CallError) in
    try jensenShannonDivergences(
      c.p, c.q, weight: c.number("weight"), asDistances: true, in: c.unit, into: c.out("out"), running: how)
  }),
  ("jensen_shannon_distance_gradient", { c, how throws(CallError) in
    try jensenShannonDivergenceGradients(
      c.p, c.q, weight: c.number("weight"), asDistances: true, in: c.unit, into: c.out("out"), c.pGradient,
      c.qGradient, running: how)
  }),
  ("generalized_jensen_shannon", { c, how throws(CallError) in
    try generalizedJensenShannonDivergences(
      of: c.weights, members: UInt(c.count("members")), mixing: c.doubles("mixing"), in: c.unit,
      into: c.out("out"), running: how)
  }),
  ("renyi_divergence", { c, how throws(CallError) in
    try renyiDivergences(
      of: c.p, from: c.q, order: c.number("order"), in: c.unit, into: c.out("out"), running: how)
  }),
  ("renyi_divergence_gradient", { c, how throws(CallError) in
    try renyiDivergenceGradients(
      of: c.p, from: c.q, order: c.number("order"), in: c.unit, into: c.out("out"), c.pGradient, c.qGradient,
      running: how)
  }),
  ("tsallis_divergence", { c, how throws(CallError) in
    try tsallisDivergences(of: c.p, from: c.q, order: c.number("order"), into: c.out("out"), running: how)
  }),
  ("alpha_divergence", { c, how throws(CallError) in
    try alphaDivergences(c.p, c.q, alpha: c.number("alpha"), into: c.out("out"), running: how)
  }),
  ("hellinger_distance", { c, how throws(CallError) in
    try hellingerDistances(c.p, c.q, squared: false, into: c.out("out"), running: how)
  }),
  ("hellinger_distance_gradient", { c, how throws(CallError) in
    try hellingerDistanceGradients(
      c.p, c.q, squared: false, into: c.out("out"), c.pGradient, c.qGradient, running: how)
  }),
  ("squared_hellinger_distance", { c, how throws(CallError) in
    try hellingerDistances(c.p, c.q, squared: true, into: c.out("out"), running: how)
  }),
  ("squared_hellinger_distance_gradient", { c, how throws(CallError) in
    try hellingerDistanceGradients(
      c.p, c.q, squared: true, into: c.out("out"), c.pGradient, c.qGradient, running: how)
  }),
  ("bhattacharyya_coefficient", { c, how throws(CallError) in
    try bhattacharyyaDistances(c.p, c.q, in: nil, into: c.out("out"), running: how)
  }),
  ("bhattacharyya_distance", { c, how throws(CallError) in
    try bhattacharyyaDistances(c.p, c.q, in: c.unit, into: c.out("out"), running: how)
  }),
  ("chernoff_information", { c, how throws(CallError) in
    try chernoffInformations(
      c.p, c.q, in: c.unit, into: c.out("out"), exponents: c.out("exponent"), running: how)
  }),
  ("total_variation", { c, how throws(CallError) in
    try totalVariations(c.p, c.q, into: c.out("out"), running: how)
  }),
  ("pearson_chi2", { c, how throws(CallError) in
    try chiSquaredDivergences(of: c.p, from: c.q, isNeyman: false, into: c.out("out"), running: how)
  }),
  ("neyman_chi2", { c, how throws(CallError) in
    try chiSquaredDivergences(of: c.p, from: c.q, isNeyman: true, into: c.out("out"), running: how)
  }),
  ("population_stability_index", { c, how throws(CallError) in
    try populationStabilityIndices(
      c.p, c.q, floor: c.number("floor"), in: c.unit, into: c.out("out"), running: how)
  }),
  ("entr", { c, how throws(CallError) in
    try entr(c.matrix(of: "x"), into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("rel_entr", { c, how throws(CallError) in
    try relEntr(c.matrix(of: "x"), c.matrix(of: "y"), into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("kl_div", { c, how throws(CallError) in
    try klDiv(c.matrix(of: "x"), c.matrix(of: "y"), into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("smooth_additive", { c, how throws(CallError) in
    try smoothAdditive(c.weights, alpha: c.number("alpha"), into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("smooth_mix", { c, how throws(CallError) in
    try smoothMix(
      c.weights, weight: c.number("weight"), background: c.matrix(of: "background"),
      into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("smooth_floor", { c, how throws(CallError) in
    try smoothFloor(c.weights, epsilon: c.number("epsilon"), into: c.mutableMatrix(of: "out"), running: how)
  }),
  ("check_distribution", { c, how throws(CallError) in
    try checkDistributions(
      c.weights, tolerance: c.number("tolerance"), into: c.findings("finding"), excess: c.out("excess"),
      running: how)
  }),
]

@Suite("Functions of matrices")
struct MatrixFunctionTests {
  private func call(_ rows: Int, _ columns: Int) -> Call {
    var random = Random("MatrixFunctionTests")
    let first = Elements(random.weights(rows * columns), rows: rows)
    let second = Elements(random.weights(rows * columns), rows: rows)
    var inputs: [String: Elements] = [:]
    for name in ["weights", "p", "x", "probabilities"] { inputs[name] = first }
    for name in ["q", "y", "background"] { inputs[name] = second }
    return Call(
      inputs,
      [
        "base": 2, "order": 1.7, "weight": 0.3, "alpha": 0.3, "floor": 1e-4, "epsilon": 1e-3, "tolerance": 1e-9,
      ])
  }

  @Test("each export has its own, with the same bits")
  func sameBits() throws {
    #expect(functions.map(\.export) == Export.all.map(\.name))
    for (name, run) in functions {
      let plain = call(6, 33)
      if name == "generalized_jensen_shannon" { plain.numbers["members"] = 3 }
      #expect(Export.named(name).run(plain) == NEPIT_OK)
      let call = plain.copy(layout: .columns)
      try run(call, Execution(threads: 2))
      check(haveSameBits(call.allValues, plain.allValues), name)
    }
  }

  @Test("outputs of another shape are refused, and nothing is written")
  func shapes() {
    for (name, run) in functions {
      for (rows, columns) in [(5, 33), (7, 33), (6, 32), (6, 34), (33, 6)] {
        let call = call(6, 33)
        call.numbers["members"] = name == "generalized_jensen_shannon" ? 3 : nil
        // The right extents where no matrix is written: those outputs are pointers.
        call.wanted = ["out": (6, 1), "exponent": (6, 1), "finding": (6, 1), "excess": (6, 1)]
        for matrix in ["gradient", "p_gradient", "q_gradient"] { call.wanted![matrix] = (rows, columns) }
        let elementwise = ["binary", "entr", "rel_entr", "kl_div", "smooth"]
        let writesOut = elementwise.contains { name == $0 || name.hasPrefix($0 + "_") } && name != "kl_divergence"
        if writesOut { call.wanted!["out"] = (rows, columns) }
        guard writesOut || name.hasSuffix("gradient") else { continue }
        #expect(throws: CallError.shape, "\(name)") { try run(call, .inline) }
        check(call.isUntouched, "\(name): a call that failed has written")
      }
    }
  }
}
