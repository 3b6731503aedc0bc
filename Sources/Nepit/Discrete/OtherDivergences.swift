internal import CSystem
internal import NepitMath

/// The total variation of two distributions, in `0 ... 1`. Relative error at most 2^-48.
///
/// - Precondition: `p` and `q` have equal counts.
public func totalVariation(_ p: borrowing Span<Double>, _ q: borrowing Span<Double>) -> Double {
  scalar(TotalVariation(), p, q)
}

/// Pearson's χ² divergence of `p` from `q`: Σ (p - q)² / q.
///
/// - Precondition: `p` and `q` have equal counts.
public func pearsonChiSquared(of p: borrowing Span<Double>, from q: borrowing Span<Double>) -> Double {
  scalar(ChiSquared(isNeyman: false), p, q)
}

/// Neyman's χ² divergence of `p` from `q`: Σ (p - q)² / p.
///
/// - Precondition: `p` and `q` have equal counts.
public func neymanChiSquared(of p: borrowing Span<Double>, from q: borrowing Span<Double>) -> Double {
  scalar(ChiSquared(isNeyman: true), p, q)
}

/// The population stability index: the Jeffreys divergence of probabilities raised to a floor in `0 ..< 1`.
///
/// - Precondition: `p` and `q` have equal counts.
public func populationStabilityIndex(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, floor: Double, in unit: InformationUnit = .nepits
) throws(CallError) -> Double {
  scalar(try PopulationStability(floor: floor, unit: unit), p, q)
}

/// The total variation of each pair of rows.
public func totalVariations(
  _ p: Matrix, _ q: Matrix, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try TotalVariation().evaluate(p, q, execution, into: out)
}

/// The χ² divergence, Pearson's or Neyman's, of each row of `p` from `q`.
public func chiSquaredDivergences(
  of p: Matrix, from q: Matrix, isNeyman: Bool, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try ChiSquared(isNeyman: isNeyman).evaluate(p, q, execution, into: out)
}

/// The population stability index of each pair of rows.
public func populationStabilityIndices(
  _ p: Matrix, _ q: Matrix, floor: Double, in unit: InformationUnit, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try PopulationStability(floor: floor, unit: unit).evaluate(p, q, execution, into: out)
}

struct TotalVariation: Measure {
  func value(_ rows: Rows) -> Double {
    guard let pair = Pair(rows) else { return .nan }
    let sums = pair.sum(.total_variation)
    let value = (sums.c.high <= sums.d.high ? sums.a.high : sums.b.high) / pair.product
    // Below 2^-102 it is the totals' own rounding.
    return value < 0x1p-102 ? 0 : min(1, value)
  }
}

struct ChiSquared: Measure {
  let isNeyman: Bool

  func value(_ rows: Rows) -> Double {
    guard let pair = Pair(isNeyman ? rows.reversed : rows) else { return .nan }
    return pair.normalized(pair.sum(.chi_squared).a)
  }
}

struct PopulationStability: Measure {
  let floor: Double
  let unit: InformationUnit

  init(floor: Double, unit: InformationUnit) throws(CallError) {
    guard floor >= 0, floor < 1 else { throw .parameter }
    // Times the totals it must not become a denormal, of which the kernels make no ratios.
    (self.floor, self.unit) = (floor == 0 ? 0 : max(floor, 0x1p-900), unit)
  }

  func value(_ rows: Rows) -> Double {
    guard var pair = Pair(rows) else { return .nan }
    // The floor at the kernels' scale, in two words: a probability just above it is compared with it.
    let product = twoProduct(pair.p.total.high, pair.q.total.high)
    let rest = product.low + pair.p.total.high * pair.q.total.low + pair.p.total.low * pair.q.total.high
    let raised = twoProduct(floor, product.high)
    (pair.parameters.threshold, pair.parameters.value) = (raised.high, raised.low + floor * rest)
    return unit.convert(pair.normalized(pair.sum(.stability).a))
  }
}
