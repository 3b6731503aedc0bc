internal import CSystem
internal import NepitMath

/// The cross-entropy of the distribution proportional to `p` relative to that proportional to `q`.
///
/// - Returns: A value of at least the entropy of `p`; infinite where `p` has mass and `q` has none; NaN where either is
///   no distribution's weights. Relative error at most 2^-50.
/// - Precondition: `p` and `q` have equal counts.
public func crossEntropy(
  of p: borrowing Span<Double>, relativeTo q: borrowing Span<Double>, in unit: InformationUnit = .nepits
) -> Double {
  scalar(CrossEntropy(unit: unit), p, q)
}

/// The cross-entropy of each row of `p` relative to `q`.
public func crossEntropies(
  of p: Matrix, relativeTo q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try CrossEntropy(unit: unit).evaluate(p, q, execution, into: out)
}

/// The cross-entropy of each row of `p` relative to `q`, and its gradients by both.
public func crossEntropyGradients(
  of p: Matrix, relativeTo q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  _ pGradient: MutableMatrix?, _ qGradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  try CrossEntropy(unit: unit).differentiate(p, q, execution, into: out, pGradient, qGradient)
}

struct CrossEntropy: DifferentiableMeasure {
  let unit: InformationUnit
  var firstRead: FirstRead? { FirstRead(reduction: .cross_entropy) }

  func value(_ rows: Rows) -> Double {
    var parameters = lanes_parameters()
    var sums = lanes_sums()
    rows.sum(.cross_entropy, &parameters, &sums)
    if isPlain(sums.a.high, sums.signs_p, rows), isPlain(sums.b.high, sums.signs_q, rows) {
      let (value, magnitudes) = sums.b.logarithm.less(quotient: sums.c, by: sums.a)
      let inside = sums.greatest_q > 1 ? 2 * binaryExponent(sums.greatest_q) : 0
      if isWellConditioned(value, magnitudes + inside, rows.p.count) { return unit.convert(value) }
    }
    guard let weighed = Weighed.both(rows) else { return .nan }
    return unit.convert(Surprisal(rows, p: weighed.p, q: weighed.q).value)
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    guard let pair = Pair(rows) else {
      first?.fill(.nan)
      second?.fill(.nan)
      return .nan
    }
    let surprisal = Surprisal(rows, p: pair.p, q: pair.q)
    if first != nil || second != nil {
      var parameters = pair.parameters
      parameters.threshold = surprisal.parameters.threshold
      parameters.value_q = surprisal.parameters.value_q
      let top = pair.q.total.logarithm
      (parameters.order, parameters.shift) = (top.high, top.low)
      (parameters.value, parameters.factor) = (surprisal.value, unit.nepits)
      rows.map(.cross_entropy_gradient, parameters, to: first, second)
    }
    return value(rows)
  }
}
