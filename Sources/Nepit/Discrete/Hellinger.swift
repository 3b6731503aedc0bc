internal import CSystem
internal import NepitMath

/// The Hellinger distance of two distributions, in `0 ... 1`. Relative error at most 2^-48.
///
/// - Precondition: `p` and `q` have equal counts.
public func hellingerDistance(_ p: borrowing Span<Double>, _ q: borrowing Span<Double>) -> Double {
  scalar(Hellinger(isSquared: false), p, q)
}

/// The squared Hellinger distance of two distributions, in `0 ... 1`.
///
/// - Precondition: `p` and `q` have equal counts.
public func squaredHellingerDistance(_ p: borrowing Span<Double>, _ q: borrowing Span<Double>) -> Double {
  scalar(Hellinger(isSquared: true), p, q)
}

/// The Bhattacharyya coefficient of two distributions, in `0 ... 1`.
///
/// - Precondition: `p` and `q` have equal counts.
public func bhattacharyyaCoefficient(_ p: borrowing Span<Double>, _ q: borrowing Span<Double>) -> Double {
  scalar(Bhattacharyya(unit: nil), p, q)
}

/// The Bhattacharyya distance of two distributions: minus the logarithm of their coefficient.
///
/// - Precondition: `p` and `q` have equal counts.
public func bhattacharyyaDistance(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, in unit: InformationUnit = .nepits
) -> Double {
  scalar(Bhattacharyya(unit: unit), p, q)
}

/// The Hellinger distance of each pair of rows, or its square.
public func hellingerDistances(
  _ p: Matrix, _ q: Matrix, squared: Bool, into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try Hellinger(isSquared: squared).evaluate(p, q, execution, into: out)
}

/// The Hellinger distance of each pair of rows, or its square, and its gradients by both.
public func hellingerDistanceGradients(
  _ p: Matrix, _ q: Matrix, squared: Bool, into out: UnsafeMutablePointer<Double>?, _ pGradient: MutableMatrix?,
  _ qGradient: MutableMatrix?, running execution: Execution
) throws(CallError) {
  try Hellinger(isSquared: squared)
    .differentiate(p, q, execution, into: out, pGradient, qGradient)
}

/// The Bhattacharyya distance of each pair of rows, or their coefficient if there is no unit.
public func bhattacharyyaDistances(
  _ p: Matrix, _ q: Matrix, in unit: InformationUnit?, into out: UnsafeMutablePointer<Double>?,
  running execution: Execution
) throws(CallError) {
  try Bhattacharyya(unit: unit).evaluate(p, q, execution, into: out)
}

extension Pair {
  /// H², and B = 1 - H² to full relative accuracy.
  fileprivate var affinity: (squared: Double, coefficient: Double) {
    let sums = sum(.hellinger)
    let squared = min(1, normalized(sums.a) / 2)
    return (squared, squared < 0.5 ? 1 - squared : sums.b.high / product)
  }
}

struct Hellinger: DifferentiableMeasure {
  let isSquared: Bool

  func value(_ rows: Rows) -> Double {
    guard let pair = Pair(rows) else { return .nan }
    return of(pair.affinity.squared)
  }

  private func of(_ squared: Double) -> Double { isSquared ? squared : squared.squareRoot() }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    guard var pair = Pair(rows) else {
      first?.fill(.nan)
      second?.fill(.nan)
      return .nan
    }
    let (squared, coefficient) = pair.affinity
    let value = of(squared)
    if !isSquared, value == 0 {
      first?.fill(0)
      second?.fill(0)
    } else if first != nil || second != nil {
      (pair.parameters.value, pair.parameters.factor) = (coefficient, !isSquared ? 2 * value : 1)
      // sqrt(q Q / (p P)) of the scaled weights is that of the probabilities: the products share their factor.
      rows.map(.hellinger_gradient, pair.parameters, to: first, second)
    }
    return value
  }
}

struct Bhattacharyya: Measure {
  /// The distance's; nil for the coefficient.
  let unit: InformationUnit?

  func value(_ rows: Rows) -> Double {
    guard let pair = Pair(rows) else { return .nan }
    let (squared, coefficient) = pair.affinity
    guard let unit else { return coefficient }
    return unit.convert(squared < 0.5 ? -log1p(-squared) : -log(coefficient))
  }
}
