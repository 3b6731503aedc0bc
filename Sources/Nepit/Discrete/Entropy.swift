internal import CSystem
public import NepitMath

/// The Shannon entropy of the distribution proportional to `weights`.
///
/// - Parameters:
///   - weights: Weights of at least 0, one for each outcome. They need not sum to one, so counts and probabilities
///     serve alike.
///   - unit: The unit of the result.
/// - Returns: A value in `0 ... log(weights.count)`, or NaN if the weights sum to zero, there are none, or one is
///   negative, infinite or NaN. Relative error at most 2^-50.
/// - Complexity: O(*n*), one or two passes, no allocation.
public func entropy(of weights: borrowing Span<Double>, in unit: InformationUnit = .nepits) -> Double {
  scalar(Entropy(unit: unit), weights)
}

/// The Shannon entropy of each row.
public func entropies(
  of weights: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try Entropy(unit: unit).evaluate(weights, execution, into: out)
}

/// The Shannon entropy of each row and its gradient by the weights.
public func entropyGradients(
  of weights: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?, _ gradient: MutableMatrix?,
  running execution: Execution
) throws(CallError) {
  try Entropy(unit: unit).differentiate(weights, weights, execution, into: out, gradient, nil)
}

struct Entropy: DifferentiableMeasure {
  let unit: InformationUnit
  var firstRead: FirstRead? { FirstRead(reduction: .entropy) }

  func value(_ rows: Rows) -> Double { unit.convert(nepits(rows)) }

  func nepits(_ rows: Rows) -> Double {
    var parameters = lanes_parameters()
    var sums = lanes_sums()
    rows.sum(.entropy, &parameters, &sums)
    let total = sums.a
    if isPlain(total.high, sums.signs_p, rows) {
      let (value, magnitudes) = total.logarithm.less(quotient: sums.b, by: total)
      // Terms of both signs cancel where weights beyond 1 meet smaller ones.
      let inside = sums.greatest_p > 1 ? 2 * binaryExponent(sums.greatest_p) : 0
      if isWellConditioned(value, magnitudes + inside, rows.p.count) { return value }
    }
    guard let weighed = Weighed(rows) else { return .nan }
    return Surprisal(rows, p: weighed, q: weighed).value
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    guard let weighed = Weighed(rows) else {
      first?.fill(.nan)
      return .nan
    }
    let value = nepits(rows)
    if let first {
      var parameters = Surprisal(rows, p: weighed, q: weighed).parameters
      (parameters.total_p, parameters.total_q) = (weighed.total, weighed.total.logarithm)
      (parameters.value, parameters.factor) = (value, unit.nepits)
      rows.map(.entropy_gradient, parameters, to: first)
    }
    return unit.convert(value)
  }
}

/// Whether a difference of sums keeps its bits: they are not far larger, and what blocks of 64 round off the total,
/// which for one outcome far above the others may be all of these, is far smaller.
/// The roundings of many terms average out.
func isWellConditioned(_ value: Double, _ magnitudes: Double, _ count: Int) -> Bool {
  value >= 0.25 && magnitudes <= (count < 64 ? 3 : 8) * value
}

/// The base-2 exponent of a number of at least 1, in nepits, rounded up.
func binaryExponent(_ x: Double) -> Double {
  Double(Int32(truncatingIfNeeded: x.bitPattern >> 52) &- 1022) * 0.6931471805599453
}

/// Cross-entropy of two rows of known totals, where nothing cancels: an outcome that holds more than half of q's
/// weight is taken by its complement, log q = log1p(-(1 - q)).
struct Surprisal {
  /// In nepits.
  let value: Double
  /// The scales, the threshold and, as `value_q`, log q of the dominant outcome: what the gradients read.
  let parameters: lanes_parameters

  init(_ rows: Rows, p: Weighed, q: Weighed) {
    var parameters = lanes_parameters()
    (parameters.scale_p, parameters.scale_q) = (p.scale, q.scale)
    parameters.threshold = q.total.high / 2
    // An entropy reads its one row as both.
    let sums = rows.sum(.surprisal, parameters)
    let rest = sums.c.high / q.total.high
    let dominant = rest == 0 ? 0 : log1p(-rest)
    parameters.value_q = dominant
    self.parameters = parameters
    let top = q.total.logarithm
    let spread = (sums.b.high * top.high + (sums.b.high * top.low + sums.b.low * top.high)) - sums.a.value
    value = (spread - (sums.d.high == 0 ? 0 : sums.d.high * dominant)) / p.total.high
  }
}

/// A measure of one row over a span; NaN where the row is empty.
func scalar<M: Measure>(_ measure: M, _ weights: borrowing Span<Double>) -> Double {
  guard let matrix = try? Matrix(weights) else { return .nan }
  let callers = cs_float_environment_enter()
  defer { cs_float_environment_restore(callers) }
  return measure.value(Rows(matrix.row(0), matrix.row(0), nil)) + 0
}

/// A measure of two rows over spans; NaN where they are empty.
///
/// - Precondition: The spans have equal counts.
func scalar<M: Measure>(_ measure: M, _ p: borrowing Span<Double>, _ q: borrowing Span<Double>) -> Double {
  precondition(p.count == q.count, "p and q have different counts")
  guard let p = try? Matrix(p), let q = try? Matrix(q) else { return .nan }
  let callers = cs_float_environment_enter()
  defer { cs_float_environment_restore(callers) }
  return measure.value(Rows(p.row(0), q.row(0), nil)) + 0
}
