internal import CSystem
internal import NepitMath

/// The Kullback–Leibler divergence of the distribution proportional to `p` from that proportional to `q`.
///
/// - Returns: A value of at least 0, exactly 0 for equal weights; infinite where `p` has mass and `q` has none; NaN where
///   either is no distribution's weights. Relative error at most 2^-48, also where `p` and `q` nearly agree.
/// - Precondition: `p` and `q` have equal counts.
public func klDivergence(
  of p: borrowing Span<Double>, from q: borrowing Span<Double>, in unit: InformationUnit = .nepits
) -> Double {
  scalar(KullbackLeibler(unit: unit), p, q)
}

/// The Kullback–Leibler divergence of each row of `p` from `q`.
public func klDivergences(
  of p: Matrix, from q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try KullbackLeibler(unit: unit).evaluate(p, q, execution, into: out)
}

/// The Kullback–Leibler divergence of each row of `p` from `q`, and its gradients by both.
public func klDivergenceGradients(
  of p: Matrix, from q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  _ pGradient: MutableMatrix?, _ qGradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  try KullbackLeibler(unit: unit).differentiate(p, q, execution, into: out, pGradient, qGradient)
}

struct KullbackLeibler: DifferentiableMeasure {
  let unit: InformationUnit
  var firstRead: FirstRead? { FirstRead(reduction: .kl_first) }

  func value(_ rows: Rows) -> Double { unit.convert(nepits(rows)) }

  /// One read where the totals nearly agree:
  ///
  ///     D = A / P - f((Q - P) / P),  A = sum p f((q - p) / p),  f(t) = t - log(1 + t)
  ///
  /// A and f are at least 0, and where the second is at most a quarter of the first nothing is lost.
  func nepits(_ rows: Rows) -> Double {
    var parameters = lanes_parameters()
    var sums = lanes_sums()
    rows.sum(.kl_first, &parameters, &sums)
    let total = sums.b.high
    if isPlain(total, sums.signs_p, rows), isPlain(total + sums.c.high, sums.signs_q, rows) {
      let mean = sums.a.high / total
      if mean == .infinity { return mean }
      let change = (sums.c.high + sums.c.low) / total
      if change == 0 { return mean }
      let excess = abs(change) < 0x1p-200 ? 0 : logExcess(change)
      if excess <= mean / 4 { return mean - excess }
    }
    guard let pair = Pair(rows) else { return .nan }
    return pair.klDivergence
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    guard var pair = Pair(rows) else {
      first?.fill(.nan)
      second?.fill(.nan)
      return .nan
    }
    if first != nil || second != nil {
      (pair.parameters.value, pair.parameters.factor) = (pair.klDivergence, unit.nepits)
      rows.map(.kl_gradient, pair.parameters, to: first, second)
    }
    return value(rows)
  }
}

extension Pair {
  /// In nepits.
  var klDivergence: Double { normalized(sum(.kl).a) }
}
