// The one-parameter family Σ p^(1-β) q^β: Rényi, Tsallis, Amari, Chernoff.
//
//     psi = Σ (1 + β t - (1 + t)^β) p / (β (1 - β)),  t = q / p - 1,
//     Σ p^(1-β) q^β = 1 - β (1 - β) psi
//
// psi is a sum of terms of at least 0 and goes to D(p || q) with β to 0 and to
// D(q || p) with β to 1, so nothing cancels near either.

internal import CSystem
internal import NepitMath

/// The Rényi divergence of order `order`, at least 0, of `p` from `q`; at 1 Kullback–Leibler's.
///
/// - Precondition: `p` and `q` have equal counts.
public func renyiDivergence(
  of p: borrowing Span<Double>, from q: borrowing Span<Double>, order: Double, in unit: InformationUnit = .nepits
) throws(CallError) -> Double {
  scalar(try RenyiDivergence(order: order, unit: unit), p, q)
}

/// The Tsallis divergence of a finite order of at least 0 of `p` from `q`. It has no unit.
///
/// - Precondition: `p` and `q` have equal counts.
public func tsallisDivergence(
  of p: borrowing Span<Double>, from q: borrowing Span<Double>, order: Double
) throws(CallError) -> Double {
  scalar(try TsallisDivergence(order: order), p, q)
}

/// Amari's α-divergence; D(p || q) at -1, D(q || p) at 1. It has no unit.
///
/// - Precondition: `p` and `q` have equal counts.
public func alphaDivergence(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, alpha: Double
) throws(CallError) -> Double {
  scalar(try AlphaDivergence(alpha: alpha), p, q)
}

/// The Chernoff information, and the exponent of `p` at which it is attained.
///
/// - Precondition: `p` and `q` have equal counts.
public func chernoffInformation(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, in unit: InformationUnit = .nepits
) -> (information: Double, exponent: Double) {
  let measure = ChernoffInformation(unit: unit, exponents: nil)
  precondition(p.count == q.count, "p and q have different counts")
  guard let p = try? Matrix(p), let q = try? Matrix(q) else { return (.nan, .nan) }
  let callers = cs_float_environment_enter()
  defer { cs_float_environment_restore(callers) }
  return measure.solve(Rows(p.row(0), q.row(0), nil))
}

/// The Rényi divergence of each row of `p` from `q`.
public func renyiDivergences(
  of p: Matrix, from q: Matrix, order: Double, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try RenyiDivergence(order: order, unit: unit).evaluate(p, q, execution, into: out)
}

/// The Rényi divergence of a positive finite order of each row of `p` from `q`, and its gradients by both.
public func renyiDivergenceGradients(
  of p: Matrix, from q: Matrix, order: Double, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  _ pGradient: MutableMatrix?, _ qGradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  guard order > 0, order < .infinity else { throw .parameter }
  try RenyiDivergence(order: order, unit: unit).differentiate(p, q, execution, into: out, pGradient, qGradient)
}

/// The Tsallis divergence of each row of `p` from `q`.
public func tsallisDivergences(
  of p: Matrix, from q: Matrix, order: Double, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try TsallisDivergence(order: order).evaluate(p, q, execution, into: out)
}

/// Amari's α-divergence of each pair of rows.
public func alphaDivergences(
  _ p: Matrix, _ q: Matrix, alpha: Double, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try AlphaDivergence(alpha: alpha).evaluate(p, q, execution, into: out)
}

/// The Chernoff information of each pair of rows, and the exponents if they are wanted.
public func chernoffInformations(
  _ p: Matrix, _ q: Matrix, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  exponents: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  let count = try resultCount(p, q)
  guard count > 0 else { return }
  guard let out else { throw .null }
  let measure = ChernoffInformation(unit: unit, exponents: exponents)
  try forEachRow(p, q, count: count, execution, ChernoffTask(measure: measure, out: out))
}

/// The sums of the power kernel, for any exponent of q.
private struct PowerFamily {
  let psi: Double
  /// Σ p^(1-β) q^β e^-shift over outcomes that both have.
  let coefficient: Double
  /// The first and second derivative of the coefficient by β.
  let slope, curvature: Double

  /// - Parameters:
  ///   - own: The exponent of p.
  ///   - other: That of q, 1 - `own`; both are given because one of them may be too small to be had from the other.
  ///   - shift: The greatest log(p / q), taken out of the powers so that none overflows.
  ///   - isFar: Whether the coefficient is so small that its derivative is to be added up directly.
  init(_ pair: Pair, _ own: Double, _ other: Double, shift: Double = 0, isFar: Bool = false) {
    // The kernel wants at most 1/2 on q: the family is symmetric under exchange.
    let isReversed = other > own
    var pair = isReversed ? pair.reversed : pair
    (pair.parameters.order, pair.parameters.shift) = (isReversed ? own : other, shift)
    pair.parameters.value = isFar ? 1 : 0
    let sums = pair.sum(.power)
    psi = pair.normalized(sums.a)
    coefficient = sums.b.value / pair.product
    slope = (isReversed ? -1 : 1) * sums.c.value / pair.product
    curvature = sums.d.value / pair.product
  }
}

struct RenyiDivergence: DifferentiableMeasure {
  let order: Double
  let unit: InformationUnit

  init(order: Double, unit: InformationUnit) throws(CallError) {
    guard order >= 0 else { throw .parameter }
    (self.order, self.unit) = (order, unit)
  }

  func value(_ rows: Rows) -> Double {
    if order == 1 { return KullbackLeibler(unit: unit).value(rows) }
    guard let pair = Pair(rows) else { return .nan }
    return unit.convert(nepits(pair))
  }

  func nepits(_ pair: Pair) -> Double {
    if order == 0 { return pair.missingMass }
    if order == .infinity { return pair.greatestLogRatio }
    let family = PowerFamily(pair, order, 1 - order)
    let change = order * (1 - order) * family.psi
    if abs(change) < 0.5 { return max(0, log1p(-change) / (order - 1)) }
    if order < 1 { return max(0, log(family.coefficient) / (order - 1)) }
    // q without mass where p has some, or powers beyond all bounds: the greatest is taken out.
    let greatest = pair.greatestLogRatio
    if greatest == .infinity { return greatest }
    let scaled = PowerFamily(pair, order, 1 - order, shift: greatest)
    return max(0, greatest + log(scaled.coefficient) / (order - 1))
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    guard var pair = Pair(rows) else {
      first?.fill(.nan)
      second?.fill(.nan)
      return .nan
    }
    let value = order == 1 ? pair.klDivergence : nepits(pair)
    if order == 1, value < .infinity { return KullbackLeibler(unit: unit).differentiate(rows, first, second) }
    if value == .infinity {
      first?.fill(.nan)
      second?.fill(.nan)
    } else if first != nil || second != nil {
      if order > 2 {
        pair.parameters.shift = pair.greatestLogRatio
        pair.parameters.weight = PowerFamily(pair, order, 1 - order, shift: pair.parameters.shift).coefficient
      }
      (pair.parameters.value, pair.parameters.order, pair.parameters.factor) = (value, order, unit.nepits)
      rows.map(.renyi_divergence_gradient, pair.parameters, to: first, second)
    }
    return unit.convert(value)
  }
}

extension Pair {
  /// -log of the share of q where p has mass.
  var missingMass: Double {
    let missing = (q.total.high - sharedQ.high) + (q.total.low - sharedQ.low)
    if missing <= 0 { return 0 }
    let share = missing / q.total.high
    return share < 0.5 ? -log1p(-share) : -log(sharedQ.high / q.total.high)
  }

  /// log max p / q.
  var greatestLogRatio: Double {
    sum(.ratio).greatest_p
  }
}

struct TsallisDivergence: Measure {
  let order: Double

  init(order: Double) throws(CallError) {
    guard order >= 0, order < .infinity else { throw .parameter }
    self.order = order
  }

  func value(_ rows: Rows) -> Double {
    if order == 1 { return KullbackLeibler(unit: .nepits).value(rows) }
    guard let pair = Pair(rows) else { return .nan }
    if order == 0 { return -expm1(-pair.missingMass) }
    return order * PowerFamily(pair, order, 1 - order).psi
  }
}

struct AlphaDivergence: Measure {
  let alpha: Double

  init(alpha: Double) throws(CallError) {
    guard alpha.isFinite else { throw .parameter }
    self.alpha = alpha
  }

  func value(_ rows: Rows) -> Double {
    if alpha == -1 { return KullbackLeibler(unit: .nepits).value(rows) }
    if alpha == 1 { return KullbackLeibler(unit: .nepits).value(rows.reversed) }
    guard let pair = Pair(rows) else { return .nan }
    return PowerFamily(pair, (1 - alpha) / 2, (1 + alpha) / 2).psi
  }
}

private struct ChernoffTask: RowTask {
  let measure: ChernoffInformation
  let out: UnsafeMutablePointer<Double>
  func run(_ index: Int, _ rows: Rows) {
    let (information, exponent) = measure.solve(rows)
    out[index] = information + 0
    measure.exponents?[index] = exponent
  }
}

struct ChernoffInformation {
  let unit: InformationUnit
  let exponents: UnsafeMutablePointer<Double>?

  /// The minimum over β of the convex log Σ p^(1-β) q^β, by Newton's method kept inside a shrinking bracket. The value is
  /// of second order in the exponent's error, so it is exact long before the exponent is.
  func solve(_ rows: Rows) -> (information: Double, exponent: Double) {
    guard let pair = Pair(rows) else { return (.nan, .nan) }
    var exponent = 0.5, family = PowerFamily(pair, 0.5, 0.5)
    if family.coefficient == 0 { return (.infinity, 0.5) }
    if family.psi == 0 { return (0, 0.5) }
    let isFar = family.coefficient < 0.5
    if isFar { family = PowerFamily(pair, 0.5, 0.5, isFar: true) }
    // A minimum at an end: there the limit leaves out what only one of them has.
    let falls = PowerFamily(pair, 1, 0, isFar: isFar).slope < 0
    let rises = PowerFamily(pair, 0, 1, isFar: isFar).slope > 0
    if !falls && rises { return (unit.convert(pair.reversed.missingMass), 1) }
    if falls && !rises { return (unit.convert(pair.missingMass), 0) }
    var low = 0.0, high = 1.0
    for _ in 0..<100 where falls {
      if family.slope == 0 { break }
      if family.slope < 0 { low = exponent } else { high = exponent }
      // A step for the logarithm, which is convex too and nearer to a parabola.
      let slope = family.slope / family.coefficient
      var next = exponent - slope / (family.curvature / family.coefficient - slope * slope)
      if !(next > low && next < high) { next = (low + high) / 2 }
      let step = abs(next - exponent)
      exponent = next
      family = PowerFamily(pair, 1 - exponent, exponent, isFar: isFar)
      if step < 0x1p-40 { break }
    }
    let change = exponent * (1 - exponent) * family.psi
    let information = change < 0.5 ? -log1p(-change) : -log(family.coefficient)
    return (unit.convert(max(0, information)), 1 - exponent)
  }
}
