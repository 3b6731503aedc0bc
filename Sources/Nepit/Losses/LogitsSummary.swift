// What a comparison tells: means with their errors, perplexities, extremes and percentiles.

internal import CSystem
internal import NepitMath

/// A mean over tokens and its standard error.
public struct Estimate: Sendable {
  /// NaN where there are no tokens.
  public var mean: Double
  /// The standard deviation over the square root of the number of tokens; NaN for fewer than two.
  public var error: Double
}

/// What a comparison tells; all in nepits. The twin of `nepit_logits_summary`.
public struct LogitsSummary: Sendable {
  public var rows, labelled, invalid, firstInvalid: Int
  public var divergence, reverse, jensenShannon, totalVariation, baseEntropy, testEntropy, sameTop, overlap: Estimate
  public var greatestDivergence, leastDivergence: Double
  public var greatestAt, leastAt: Int
  public var baseLoss, testLoss, logRatio: Estimate
  public var basePerplexity, testPerplexity, perplexityRatio, perplexityDifference: Estimate
  public var lossCovariance, lossCorrelation: Double
  public var probabilityChange, probabilityChangeRMS: Estimate
  public var greatestChange, leastChange: Double
  public var greatestChangeAt, leastChangeAt: Int
}

extension LogitsComparison {
  public borrowing func summary() -> LogitsSummary { state.pointee.summary() }

  /// The quantile of the tokens' divergence from the base, and of the change of the labels' probability, at p in
  /// 0 ... 1: between two tokens linearly.
  public mutating func quantiles(at p: Double) -> (divergence: Double, probabilityChange: Double) {
    let state = state
    return state.pointee.quantiles(at: p)
  }

  /// Where `merge` would refuse, or not: vocabulary, top, bits of the sketch.
  public var parameters: (columns: Int, top: Int, sketchBits: Int) {
    (state.pointee.columns, state.pointee.top, state.pointee.divergence.bits)
  }
}

extension LogitsState {
  mutating func quantiles(at p: Double) -> (divergence: Double, probabilityChange: Double) {
    let kl = divergence.quantile(p, least: extremes.least, greatest: extremes.greatest)
    return (kl, probabilityChange.quantile(p, least: changes.least, greatest: changes.greatest))
  }

  private func estimate(_ value: LogitsValue) -> Estimate {
    let count = value.rawValue < LogitsValue.unlabelled ? rows : labelled
    let (first, second) = (sum(2 &* value.rawValue).pair, sum(2 &* value.rawValue &+ 1).pair)
    return Self.estimate(first, second, count)
  }

  /// Of a sum and the sum of squares, both in two words: their difference may be small.
  private static func estimate(_ sum: lanes_pair, _ squares: lanes_pair, _ count: Int) -> Estimate {
    let n = Double(count)
    guard count > 0 else { return Estimate(mean: .nan, error: .nan) }
    return Estimate(
      mean: sum.value / n + 0,
      error: count > 1 ? (max(covariance(squares, sum, sum, n), 0) / n).squareRoot() : .nan)
  }

  /// (sum of a b - (sum of a) (sum of b) / n) / (n - 1)
  private static func covariance(_ products: lanes_pair, _ a: lanes_pair, _ b: lanes_pair, _ n: Double) -> Double {
    var product = twoProduct(a.high, b.high)
    product.low += a.high * b.low + a.low * b.high
    let difference = products.less(quotient: product, by: lanes_pair(n)).value
    return difference / (n - 1)
  }

  /// The exponential of an estimate: its error by the derivative.
  private static func exponential(_ x: Estimate) -> Estimate {
    let mean = exp(x.mean)
    return Estimate(mean: mean, error: mean * x.error)
  }

  func summary() -> LogitsSummary {
    let (base, test, ratio) = (estimate(.baseLoss), estimate(.testLoss), estimate(.logRatio))
    let (basePerplexity, testPerplexity) = (Self.exponential(base), Self.exponential(test))
    let n = Double(labelled)
    let (a, b) = (sum(2 * LogitsValue.baseLoss.rawValue).pair, sum(2 * LogitsValue.testLoss.rawValue).pair)
    let covariance = labelled > 1 ? Self.covariance(sum(Sum.product).pair, a, b, n) : .nan
    let spread = base.error * test.error * n
    let change = estimate(.probabilityChange)
    // The root of the mean square, its error by the derivative.
    let squares = Self.estimate(
      sum(2 * LogitsValue.probabilityChange.rawValue + 1).pair, sum(Sum.fourth).pair, labelled)
    let root = squares.mean.squareRoot()
    let rms = Estimate(mean: root, error: root > 0 ? squares.error / (2 * root) : squares.error)
    // e^b - e^a = e^a (e^(b - a) - 1), where a and b nearly agree.
    let difference = basePerplexity.mean * expm1(ratio.mean)
    let (u, v) = (basePerplexity.error, testPerplexity.error)
    let between = 2 * covariance / n * basePerplexity.mean * testPerplexity.mean
    let whole = Double(rows), k = Double(min(top, columns))
    let same = Self.estimate(lanes_pair(Double(sameTop)), lanes_pair(Double(sameTop)), rows)
    let overlap = Self.estimate(lanes_pair(Double(shared)), lanes_pair(Double(sharedSquares)), rows)
    return LogitsSummary(
      rows: rows, labelled: labelled, invalid: invalid, firstInvalid: firstInvalid,
      divergence: estimate(.divergence), reverse: estimate(.reverse), jensenShannon: estimate(.jensenShannon),
      totalVariation: estimate(.totalVariation), baseEntropy: estimate(.baseEntropy),
      testEntropy: estimate(.testEntropy),
      sameTop: same, overlap: Estimate(mean: overlap.mean / k, error: overlap.error / k),
      greatestDivergence: whole > 0 ? extremes.greatest : .nan, leastDivergence: whole > 0 ? extremes.least : .nan,
      greatestAt: extremes.greatestAt, leastAt: extremes.leastAt,
      baseLoss: base, testLoss: test, logRatio: ratio, basePerplexity: basePerplexity, testPerplexity: testPerplexity,
      perplexityRatio: Self.exponential(ratio),
      perplexityDifference: Estimate(mean: difference + 0, error: max(u * u + v * v - between, 0).squareRoot()),
      lossCovariance: covariance, lossCorrelation: spread > 0 ? covariance / spread : .nan,
      probabilityChange: change, probabilityChangeRMS: rms,
      greatestChange: n > 0 ? changes.greatest : .nan, leastChange: n > 0 ? changes.least : .nan,
      greatestChangeAt: changes.greatestAt, leastChangeAt: changes.leastAt)
  }
}
