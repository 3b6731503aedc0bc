internal import CSystem
internal import NepitMath

/// What may be changed about a divergence of Gaussians.
public struct GaussianOptions {
  var freeBits = 0.0
  var reduction = Reduction.mean

  public init() {}

  /// - Throws: `parameter` for free bits that are negative or not finite.
  public init(freeBits: Double, reduction: Reduction) throws(CallError) {
    guard freeBits >= 0, freeBits < .infinity else { throw .parameter }
    (self.freeBits, self.reduction) = (freeBits, reduction)
  }
}

/// The Kullback–Leibler divergence of diagonal Gaussians from others, or from the standard normal: a term for each
/// element, a loss for each row.
///
/// The outputs' gradients are by the mean, the logarithm of the variance, and those of the other.
///
/// - Throws: `shape` or `cancelled`.
public func gaussianKLDivergence(
  ofMean mean: Matrix, logVariance: Matrix, fromMean otherMean: Matrix?, logVariance otherLogVariance: Matrix?,
  options: GaussianOptions, into outputs: PointwiseOutputs, running execution: Execution
) throws(CallError) {
  let isStandard =
    otherMean == nil && otherLogVariance == nil && outputs.gradients.third == nil && outputs.gradients.fourth == nil
  try PointwiseLoss(
    isStandard ? .variational : .gaussian_kl, of: Four(mean, logVariance, otherMean, otherLogVariance),
    parameter: options.freeBits, into: outputs
  ).evaluate(options.reduction == .mean ? .rows : .one, execution)
}
