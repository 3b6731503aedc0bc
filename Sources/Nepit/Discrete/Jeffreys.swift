internal import CSystem
internal import NepitMath

/// The Jeffreys divergence: the Kullback–Leibler divergences both ways, added.
///
/// - Returns: A value of at least 0; infinite where one has mass and the other has none. Relative error at most 2^-48.
/// - Precondition: `p` and `q` have equal counts.
public func jeffreysDivergence(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, in unit: InformationUnit = .nepits
) -> Double {
  scalar(Jeffreys(unit: unit), p, q)
}

/// The Jeffreys divergence of each pair of rows.
public func jeffreysDivergences(
  _ p: Matrix, _ q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try Jeffreys(unit: unit).evaluate(p, q, execution, into: out)
}

/// The Jeffreys divergence of each pair of rows, and its gradients by both.
public func jeffreysDivergenceGradients(
  _ p: Matrix, _ q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  _ pGradient: MutableMatrix?, _ qGradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  try Jeffreys(unit: unit).differentiate(p, q, execution, into: out, pGradient, qGradient)
}

struct Jeffreys: DifferentiableMeasure {
  let unit: InformationUnit
  var firstRead: FirstRead? { FirstRead(reduction: .jeffreys_first) }

  func value(_ rows: Rows) -> Double { unit.convert(nepits(rows)) }

  private func nepits(_ rows: Rows) -> Double {
    if let value = valueAsGiven(rows, .jeffreys_first, lanes_parameters()) { return value }
    guard let pair = Pair(rows) else { return .nan }
    return pair.normalized(pair.sum(.jeffreys).a)
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    let value = value(rows)
    guard first != nil || second != nil else { return value }
    guard var pair = Pair(rows), value < .infinity else {
      first?.fill(.nan)
      second?.fill(.nan)
      return value
    }
    (pair.parameters.value, pair.parameters.value_q) = (pair.klDivergence, pair.reversed.klDivergence)
    pair.parameters.factor = unit.nepits
    rows.map(.jeffreys_gradient, pair.parameters, to: first, second)
    return value
  }
}

/// The value of a divergence from one read of weights whose totals agree so well that it does not matter; else nil.
///
/// A relative difference e of the totals changes a divergence D by at most e D and about e²: both must be below the
/// bound.
func valueAsGiven(_ rows: Rows, _ reduction: lanes_reduction, _ parameters: lanes_parameters) -> Double? {
  let sums = rows.sum(reduction, parameters)
  let total = sums.b.high
  guard isPlain(total, sums.signs_p, rows), isPlain(total + sums.c.high, sums.signs_q, rows)
  else { return nil }
  let value = sums.a.high / total, change = abs(sums.c.high / total)
  let error = rows.isCoarse ? 0x1p-23 : 0x1p-49
  return change <= error && change * change <= error / 4 * value ? value : nil
}
