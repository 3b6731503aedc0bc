// Softmax cross-entropy with target distributions: each row has a weight for every class instead of a label.

internal import CSystem
internal import NepitMath

/// What a softmax cross-entropy with target distributions may write; all of it is optional.
public struct SoftTargetOutputs {
  public var loss, losses, logSums: UnsafeMutablePointer<Double>?
  public var gradient, targetGradient: MutableMatrix?

  public init() {}
}

/// The cross-entropy of each row's target distribution with the softmax of the row's logits.
///
/// - Throws: `shape` or `cancelled`.
public func softmaxCrossEntropy(
  of logits: Matrix, against targets: Matrix, classWeights: Matrix?, rowWeights: Matrix?, options: SoftmaxOptions,
  into outputs: SoftTargetOutputs, running execution: Execution
) throws(CallError) {
  guard targets.rows == logits.rows, targets.columns == logits.columns,
    outputs.gradient?.hasExtent(of: logits) != false, outputs.targetGradient?.hasExtent(of: logits) != false
  else { throw .shape }
  var classes: Weights?, rows: Weights?
  if let classWeights { classes = try Weights(columns: classWeights, count: logits.columns) }
  if let rowWeights { rows = try Weights(rowWeights, count: logits.rows) }
  let divisor = options.reduction == .mean ? total(rows, count: logits.rows) : 1
  var task = SoftTargetTask(
    logits: logits, targets: targets, classes: classes, rows: rows, options: options, outputs: outputs,
    classTotal: total(classes, count: logits.columns), scale: divisor == 0 ? 0 : 1 / divisor)
  let blocks = RowBlocks(rows: logits.rows, columns: logits.columns)
  var sums = loss_blocks()
  try withUnsafeMutablePointer(to: &sums) { memory throws(CallError) in
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: loss_block.self)
    task.sums = sums
    try forEachBlock(blocks, columns: logits.columns, execution, task)
    outputs.loss?.pointee = divisor == 0 ? 0 : sums.total(of: blocks).value / divisor + 0
  }
}

private struct SoftTargetTask: RowBlockTask {
  let logits, targets: Matrix
  let classes, rows: Weights?
  let options: SoftmaxOptions
  let outputs: SoftTargetOutputs
  /// The sum of the class weights; what the sum of the rows' losses is multiplied with.
  let classTotal, scale: Double
  var sums: UnsafeMutablePointer<loss_block>?

  func run(_ block: Int, _ range: Range<Int>) {
    var loss = lanes_pair.zero
    for index in upTo(range) {
      let value = run(index)
      outputs.losses?[index] = value
      loss = loss + lanes_pair(value)
    }
    sums.unsafelyUnwrapped[block] = loss_block(loss: loss, correct: 0)
  }

  /// The row's loss; writes its gradients.
  ///
  ///     loss = r ((1 - e) sum_j w_j t_j (lse - z_j) + e / C sum_j w_j (lse - z_j) + zeta lse^2 sum_j w_j t_j)
  private func run(_ index: Int) -> Double {
    let target = targets.row(index), temperature = options.temperature
    let row = LogitRow(
      logits.row(index), temperature: temperature, softcap: options.softcap, isFine: !target.type.isCoarse)
    let gradient = outputs.gradient?.row(index), targetGradient = outputs.targetGradient?.row(index)
    let statistics = row.statistics()
    let logSum = statistics.isBad ? .nan : statistics.greatest / temperature + statistics.logTerms + 0
    outputs.logSums?[index] = logSum
    let weight = rows?[index] ?? 1
    if weight == 0 {
      // It counts nothing, not even NaN.
      gradient?.fill(0)
      targetGradient?.fill(0)
      return 0
    }
    var numbers = RowNumbers(target, classes)
    let (others, own, distances) = row.targetSums(numbers, statistics)
    let total = classes == nil ? others + own : target.sum()
    guard !statistics.isBad, others + own >= 0, total > 0, total < .infinity else {
      gradient?.fill(.nan)
      targetGradient?.fill(.nan)
      return .nan
    }
    // All that is of the targets' scale is divided by their sum; `held` is the sum of w_j t_j.
    let smoothing = options.labelSmoothing, share = smoothing / Double(row.count), hard = (1 - smoothing) / total
    let held = (others + own) / total, logTerms = statistics.logTerms, zLoss = options.zLoss * (logSum * logSum)
    var value = hard * (distances + (others + own) * logTerms) + held * zLoss
    if smoothing > 0 { value += share * (row.gaps(classes, statistics) + classTotal * logTerms) }
    // (That by the logits may be written over them: last.)
    if let targetGradient, value == .infinity {
      targetGradient.fill(.nan)
    } else if let targetGradient {
      writeTargetGradient(
        row, statistics, scale * weight / total,
        mean: (1 - smoothing) * (distances + (others + own) * logTerms) / total + held * zLoss, zLoss, targetGradient)
    }
    if let gradient {
      let size = scale * weight / temperature, p = 1 / (1 + statistics.others)
      let extra = 2 * held * options.zLoss * logSum, ownClass = classes?[statistics.place] ?? 1
      let ownNumber = hard * own + share * ownClass
      let otherNumbers = hard * others + share * (classTotal - ownClass)
      // Where one outcome has nearly all, 1 - p is the sum of the other probabilities.
      let ownSlope = p * (otherNumbers + extra) - ownNumber * (p * statistics.others)
      let place = statistics.place, slope = row.slope(place)
      var weighting = row.weighting(statistics)
      weighting.factor = size * p * (otherNumbers + ownNumber + extra)
      if classes == nil, share == 0 {
        weighting.rest = -size * hard
      } else {
        (numbers.factor, numbers.offset, weighting.rest) = (hard, share, -size)
      }
      row.writeWeighted(weighting, numbers, to: gradient)
      gradient.write(size * slope * ownSlope, at: place)
    }
    return value * weight + 0
  }

  /// What each target's outcome costs, less the mean: the targets' sum is divided out.
  private func writeTargetGradient(
    _ row: LogitRow, _ statistics: LogitStatistics, _ size: Double, mean: Double, _ zLoss: Double, _ out: MutableRow
  ) {
    for column in upTo(row.count) {
      let distance = (statistics.greatest - row.logit(column)) / options.temperature + statistics.logTerms
      let weight = classes?[column] ?? 1
      let cost = weight == 0 ? 0 : weight * ((1 - options.labelSmoothing) * distance + zLoss)
      out.write(size * (cost - mean), at: column)
    }
  }
}

extension LogitRow {
  /// The numbers' sum without that of the greatest logit, the latter, and the sum of each times the distance from the
  /// greatest logit. NaN where a number is negative.
  fileprivate func targetSums(
    _ numbers: RowNumbers, _ statistics: LogitStatistics
  ) -> (others: Double, own: Double, distances: Double) {
    let sums = weightedSums(.targets, numbers, statistics, weighting(statistics))
    let own = numbers[statistics.place]
    return (sums.total(0), own < 0 ? .nan : own, sums.total(1))
  }
}
