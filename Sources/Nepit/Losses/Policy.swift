internal import CSystem
internal import NepitMath

/// How samples estimate a divergence, from d, the other log-probability less the own.
public enum KLEstimator: Int32, Sendable {
  /// -d: unbiased, of either sign.
  case k1 = 1
  /// d² / 2: biased, of little variance.
  case k2
  /// e^d - 1 - d: unbiased, and never negative.
  case k3
}

/// What samples say of the Kullback–Leibler divergence of the policy that they were drawn from from another: a term for
/// each sample, a loss for each row. The mean divides by the weights.
///
/// The outputs' gradients are by the log-probabilities and by the other ones.
///
/// - Throws: `shape` or `cancelled`.
public func sampledKLDivergence(
  of logProbabilities: Matrix, from others: Matrix, weights: Matrix?, estimator: KLEstimator, reduction: Reduction,
  into outputs: PointwiseOutputs, running execution: Execution
) throws(CallError) {
  try PointwiseLoss(
    .sampled_kl, of: Four(logProbabilities, others, weights, nil), absent: (0, 0, 1, 0),
    choice: Int64(estimator.rawValue), into: outputs
  ).evaluate(reduction == .mean ? .weights : .one, execution)
}

/// The entropy of each row's softmax over the actions that its mask allows, and its gradient. A row that is allowed none
/// counts for nothing.
///
/// - Throws: `shape` or `cancelled`.
public func policyEntropies(
  of logits: Matrix, allowing mask: Matrix?, reduction: Reduction, into outputs: PolicyOutputs,
  running execution: Execution
) throws(CallError) {
  if let mask, mask.rows != logits.rows || mask.columns != logits.columns { throw .shape }
  if let gradient = outputs.gradient, gradient.rows != logits.rows || gradient.columns != logits.columns {
    throw .shape
  }
  var task = PolicyEntropy(logits: logits, mask: mask, outputs: outputs)
  if reduction == .mean {
    var counted = 0
    for row in upTo(logits.rows) where task.counts(row) { counted &+= 1 }
    task.scale = counted == 0 ? 0 : 1 / Double(counted)
  }
  let blocks = RowBlocks(rows: logits.rows, columns: logits.columns)
  var memory = loss_sums()
  try withUnsafeMutablePointer(to: &memory) { memory throws(CallError) in
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: lanes_pair.self)
    task.sums = sums
    try forEachBlock(blocks, columns: logits.columns, execution, task)
    var total = lanes_pair.zero
    for block in upTo(blocks.count) { total = total + sums[block] }
    outputs.entropy?.pointee = total.value * task.scale + 0
  }
}

/// What entropies of policies may be written to; all of it is optional.
public struct PolicyOutputs {
  /// The reduced entropy, and each row's.
  public var entropy, entropies: UnsafeMutablePointer<Double>?
  public var gradient: MutableMatrix?

  public init() {}
}

private struct PolicyEntropy: RowBlockTask {
  let logits: Matrix
  let mask: Matrix?
  let outputs: PolicyOutputs
  /// What the sum of the rows' entropies is multiplied with.
  var scale = 1.0
  var sums: UnsafeMutablePointer<lanes_pair>? = nil

  /// Whether an action is allowed.
  func counts(_ row: Int) -> Bool {
    guard let mask = mask?.row(row) else { return true }
    for column in upTo(mask.count) where mask.read(column) != 0 { return true }
    return false
  }

  func run(_ block: Int, _ rows: Range<Int>) {
    var total = lanes_pair.zero
    for row in upTo(rows.upperBound, from: rows.lowerBound) { total = total + lanes_pair(entropy(row)) }
    sums?[block] = total
  }

  private func entropy(_ index: Int) -> Double {
    let gradient = outputs.gradient?.row(index)
    guard counts(index) else {
      outputs.entropies?[index] = 0
      gradient?.fill(0)
      return 0
    }
    let row = LogitRow(logits.row(index), mask: mask?.row(index)), statistics = row.statistics(spread: true)
    guard !statistics.isBad else {
      outputs.entropies?[index] = .nan
      gradient?.fill(.nan)
      return .nan
    }
    // With M the greatest logit, H = log sum e^(z - M) + sum p (M - z): neither is negative, and nothing cancels where one
    // action has nearly all. The gradient is p_j ((M - z_j) - sum p (M - z)).
    let gap = statistics.spread / (1 + statistics.others), value = statistics.logTerms + gap + 0
    outputs.entropies?[index] = value
    if let gradient { row.writeTerms(statistics, factor: 0 - gap * scale, slope: -scale, to: gradient) }
    return value
  }
}
