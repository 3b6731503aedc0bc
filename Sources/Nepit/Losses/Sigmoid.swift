internal import CSystem
internal import NepitMath

/// The cross-entropy of the sigmoid of each logit with its target: a term for each element, a loss for each row.
///
/// The outputs' gradients are by the logits and by the targets.
///
/// - Throws: `shape` or `cancelled`.
public func sigmoidCrossEntropy(
  of logits: Matrix, against targets: Matrix, weights: Matrix?, positiveWeights: Matrix?, reduction: Reduction,
  into outputs: PointwiseOutputs, running execution: Execution
) throws(CallError) {
  var positive: Matrix?
  if let positiveWeights { positive = try positiveWeights.repeated(logits.rows) }
  try PointwiseLoss(
    .sigmoid, of: Four(logits, targets, weights, positive), absent: (0, 0, 1, 1), into: outputs
  ).evaluate(reduction == .mean ? .elements : .one, execution)
}

/// The cross-entropy of each probability with its target, as `sigmoidCrossEntropy`.
///
/// - Throws: `shape` or `cancelled`.
public func binaryCrossEntropy(
  of probabilities: Matrix, against targets: Matrix, weights: Matrix?, reduction: Reduction,
  into outputs: PointwiseOutputs, running execution: Execution
) throws(CallError) {
  try PointwiseLoss(
    .binary, of: Four(probabilities, targets, weights, nil), absent: (0, 0, 1, 0), into: outputs
  ).evaluate(reduction == .mean ? .elements : .one, execution)
}
