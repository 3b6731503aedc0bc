internal import CSystem
internal import NepitMath

/// What may be changed about a negative log-likelihood.
public struct LikelihoodOptions {
  var epsilon: Double
  var isFull = false
  var isLog: Bool
  var reduction = Reduction.mean

  /// Of a Gaussian whose variance is given.
  public static var gaussian: LikelihoodOptions { LikelihoodOptions(epsilon: 1e-6, isLog: false) }
  /// Of a Poisson distribution the logarithm of whose rate is given.
  public static var poisson: LikelihoodOptions { LikelihoodOptions(epsilon: 1e-8, isLog: true) }

  private init(epsilon: Double, isLog: Bool) { (self.epsilon, self.isLog) = (epsilon, isLog) }

  /// - Throws: `parameter` for an epsilon that is negative or not finite.
  public init(epsilon: Double, isFull: Bool, isLog: Bool, reduction: Reduction) throws(CallError) {
    guard epsilon >= 0, epsilon < .infinity else { throw .parameter }
    (self.epsilon, self.isFull, self.isLog, self.reduction) = (epsilon, isFull, isLog, reduction)
  }

  fileprivate func evaluate(
    _ loss: lanes_loss, _ inputs: Four<Matrix?>, _ outputs: PointwiseOutputs, _ execution: Execution
  ) throws(CallError) {
    try PointwiseLoss(
      loss, of: inputs, parameter: epsilon, choice: (isLog ? 1 : 0) + (isFull ? 2 : 0), into: outputs
    ).evaluate(reduction == .mean ? .elements : .one, execution)
  }
}

/// -log of the density of a Gaussian at each target; the outputs' gradients are by the mean, the target and the
/// variance, or its logarithm.
///
/// - Throws: `shape` or `cancelled`.
public func gaussianNegativeLogLikelihood(
  ofMean mean: Matrix, at targets: Matrix, variance: Matrix, options: LikelihoodOptions, into outputs: PointwiseOutputs,
  running execution: Execution
) throws(CallError) {
  try options.evaluate(.gaussian_likelihood, Four(mean, targets, variance, nil), outputs, execution)
}

/// -log of the Poisson probability of each target but for log y!; the outputs' gradients are by the rate, or its
/// logarithm, and the target.
///
/// - Throws: `shape` or `cancelled`.
public func poissonNegativeLogLikelihood(
  of rates: Matrix, at targets: Matrix, options: LikelihoodOptions, into outputs: PointwiseOutputs,
  running execution: Execution
) throws(CallError) {
  try options.evaluate(.poisson_likelihood, Four(rates, targets, nil, nil), outputs, execution)
}

/// What may be changed about the likelihood of labels.
public struct LabelOptions {
  var ignoredLabel: Int64 = -100
  var reduction = Reduction.mean

  public init() {}
  public init(ignoredLabel: Int64, reduction: Reduction) {
    (self.ignoredLabel, self.reduction) = (ignoredLabel, reduction)
  }
}

/// What the likelihood of labels may be written to; all of it is optional.
public struct LabelOutputs {
  /// The reduced loss, and each row's.
  public var loss, losses: UnsafeMutablePointer<Double>?
  public var gradient: MutableMatrix?

  public init() {}
}

/// -w log p of each row's label; the mean divides by the weights of the rows that count.
///
/// - Throws: `shape`, `label` for a label that is neither a column nor ignored, or `cancelled`.
public func negativeLogLikelihood(
  of logProbabilities: Matrix, against labels: Labels, classWeights: Matrix?, options: LabelOptions,
  into outputs: LabelOutputs, running execution: Execution
) throws(CallError) {
  guard labels.count == logProbabilities.rows else { throw .shape }
  if let gradient = outputs.gradient,
    gradient.rows != logProbabilities.rows || gradient.columns != logProbabilities.columns
  {
    throw .shape
  }
  var classes: Weights?
  if let classWeights { classes = try Weights(columns: classWeights, count: logProbabilities.columns) }
  var task = LabelTask(
    logProbabilities: logProbabilities, labels: labels, classes: classes, ignored: options.ignoredLabel,
    outputs: outputs)
  // Labels first, so that nothing is written if one is wrong; and the mean's divisor.
  var weight = WideSum()
  for row in upTo(labels.count) {
    let label = labels[row]
    if label == options.ignoredLabel { continue }
    guard label >= 0, label < logProbabilities.columns else { throw .label }
    weight.add(task.weight(label))
  }
  let divisor = options.reduction == .mean ? weight.value : 1
  task.scale = divisor == 0 ? 0 : 1 / divisor
  let blocks = RowBlocks(rows: labels.count, columns: logProbabilities.columns)
  var memory = loss_sums()
  try withUnsafeMutablePointer(to: &memory) { memory throws(CallError) in
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: lanes_pair.self)
    task.sums = sums
    try forEachBlock(blocks, columns: logProbabilities.columns, execution, task)
    var total = lanes_pair.zero
    for block in upTo(blocks.count) { total = total + sums[block] }
    outputs.loss?.pointee = divisor == 0 ? 0 : total.value / divisor + 0
  }
}

private struct LabelTask: RowBlockTask {
  let logProbabilities: Matrix
  let labels: Labels
  let classes: Weights?
  let ignored: Int64
  let outputs: LabelOutputs
  /// What the sum of the rows' losses is multiplied with.
  var scale = 1.0
  var sums: UnsafeMutablePointer<lanes_pair>? = nil

  func weight(_ label: Int64) -> Double { classes?[Int(truncatingIfNeeded: label)] ?? 1 }

  func run(_ block: Int, _ rows: Range<Int>) {
    var total = lanes_pair.zero
    for row in upTo(rows.upperBound, from: rows.lowerBound) {
      let label = labels[row], gradient = outputs.gradient?.row(row)
      var loss = 0.0
      if label == ignored {
        gradient?.fill(0)
      } else {
        let column = Int(truncatingIfNeeded: label), weight = self.weight(label)
        // A weight of 0 counts nothing, not even an infinite loss.
        loss = weight == 0 ? 0 : 0 - weight * logProbabilities.row(row).read(column)
        gradient?.fill(0)
        gradient?.write(0 - weight * scale, at: column)
      }
      outputs.losses?[row] = loss
      total = total + lanes_pair(loss)
    }
    sums?[block] = total
  }
}
