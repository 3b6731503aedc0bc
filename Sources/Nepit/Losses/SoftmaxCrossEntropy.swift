internal import CSystem
internal import NepitMath

/// What may be changed about a softmax cross-entropy.
public struct SoftmaxOptions {
  var labelSmoothing = 0.0
  var ignoredLabel: Int64 = -100
  var zLoss = 0.0
  var softcap = 0.0
  var temperature = 1.0
  var reduction = Reduction.mean

  public init() {}

  /// - Throws: `parameter` for a smoothing outside 0 ... 1, a coefficient or cap that is negative or not finite, or a
  ///   temperature that is not positive and finite.
  public init(
    labelSmoothing: Double, ignoredLabel: Int64, zLoss: Double, softcap: Double, temperature: Double,
    reduction: Reduction
  ) throws(CallError) {
    guard labelSmoothing >= 0, labelSmoothing <= 1, zLoss >= 0, zLoss < .infinity, softcap >= 0, softcap < .infinity,
      temperature > 0, temperature < .infinity
    else { throw .parameter }
    (self.labelSmoothing, self.ignoredLabel, self.zLoss) = (labelSmoothing, ignoredLabel, zLoss)
    (self.softcap, self.temperature, self.reduction) = (softcap, temperature, reduction)
  }
}

/// What a softmax cross-entropy may write; all of it is optional.
public struct SoftmaxOutputs {
  public var loss, losses, logSums: UnsafeMutablePointer<Double>?
  public var argmax, counts: UnsafeMutablePointer<Int64>?
  public var gradient: MutableMatrix?

  public init() {}
}

/// The cross-entropy of each row's label with the softmax of the row's logits.
///
/// - Throws: `shape`, `label` for a label that is neither a column nor ignored, or `cancelled`.
public func softmaxCrossEntropy(
  of logits: Matrix, against labels: Labels, classWeights: Matrix?, rowWeights: Matrix?, options: SoftmaxOptions,
  into outputs: SoftmaxOutputs, running execution: Execution
) throws(CallError) {
  guard labels.count == logits.rows else { throw .shape }
  guard outputs.gradient?.hasExtent(of: logits) != false else { throw .shape }
  var classes: Weights?, rows: Weights?
  if let classWeights { classes = try Weights(columns: classWeights, count: logits.columns) }
  if let rowWeights { rows = try Weights(rowWeights, count: logits.rows) }
  var task = SoftmaxTask(
    logits: logits, labels: labels, classes: classes, rows: rows, options: options, outputs: outputs)
  // Labels first, so that nothing is written if one is wrong; and the mean's divisor, which the gradient needs.
  var weight = WideSum(), counted: Int64 = 0
  for row in upTo(logits.rows) {
    let label = labels[row]
    if label == options.ignoredLabel { continue }
    guard label >= 0, label < logits.columns else { throw .label }
    counted &+= 1
    if task.isWeighted { weight.add(task.weight(row, label)) }
  }
  let divisor = options.reduction == .mean ? (task.isWeighted ? weight.value : Double(counted)) : 1
  task.scale = divisor == 0 ? 0 : 1 / divisor
  let blocks = RowBlocks(rows: logits.rows, columns: logits.columns)
  var sums = loss_blocks()
  try withUnsafeMutablePointer(to: &sums) { memory throws(CallError) in
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: loss_block.self)
    task.sums = sums
    try forEachBlock(blocks, columns: logits.columns, execution, task)
    var correct: Int64 = 0
    for block in upTo(blocks.count) { correct &+= sums[block].correct }
    outputs.loss?.pointee = divisor == 0 ? 0 : sums.total(of: blocks).value / divisor + 0
    if let counts = outputs.counts { (counts[0], counts[1]) = (counted, correct) }
  }
}

private struct SoftmaxTask: RowBlockTask {
  let logits: Matrix
  let labels: Labels
  let classes, rows: Weights?
  let options: SoftmaxOptions
  let outputs: SoftmaxOutputs
  /// What the sum of the rows' losses is multiplied with.
  var scale = 1.0
  var sums: UnsafeMutablePointer<loss_block>?

  init(
    logits: Matrix, labels: Labels, classes: Weights?, rows: Weights?, options: SoftmaxOptions, outputs: SoftmaxOutputs
  ) {
    (self.logits, self.labels, self.classes, self.rows) = (logits, labels, classes, rows)
    (self.options, self.outputs) = (options, outputs)
    if options.labelSmoothing > 0 { totalWeight = total(classes, count: logits.columns) }
  }

  /// The sum of the class weights, where labels are smoothed.
  private var totalWeight = 0.0

  var isWeighted: Bool { classes != nil || rows != nil }

  func weight(_ row: Int, _ label: Int64) -> Double { (rows?[row] ?? 1) * (classes?[Int(label)] ?? 1) }

  func run(_ block: Int, _ range: Range<Int>) {
    var loss = lanes_pair.zero, correct: Int64 = 0
    if logits.columns <= narrowColumns {
      var start = range.lowerBound
      while start < range.upperBound {
        runNarrow(start..<max(start, min(start &+ 16, range.upperBound)), &loss, &correct)
        start &+= 16
      }
    } else {
      for row in upTo(range) { runWide(row, &loss, &correct) }
    }
    sums.unsafelyUnwrapped[block] = loss_block(loss: loss, correct: correct)
  }

  private func runWide(_ index: Int, _ loss: inout lanes_pair, _ correct: inout Int64) {
    let label = labels[index]
    let row = LogitRow(logits.row(index), temperature: options.temperature, softcap: options.softcap)
    let gradient = outputs.gradient?.row(index)
    let isIgnored = label == options.ignoredLabel
    if isIgnored, outputs.logSums == nil, outputs.argmax == nil {
      outputs.losses?[index] = 0
      gradient?.fill(0)
      return
    }
    let statistics = row.statistics()
    let logTerms = statistics.logTerms
    let labelLogit = isIgnored ? 0 : row.logit(Int(label))
    let smoothed = isIgnored || options.labelSmoothing == 0 ? 0 : row.gaps(classes, statistics)
    guard
      let slopes = finish(
        index, label, statistics, logTerms, labelLogit, smoothed, gradient != nil, &loss, &correct)
    else {
      gradient?.fill(isIgnored ? 0 : .nan)
      return
    }
    guard let gradient else { return }
    let labelSlope = slopes.label * row.slope(Int(label))
    row.writeTerms(
      statistics, factor: slopes.factor, offset: slopes.offset, weights: classes?.asRow, to: gradient)
    gradient.write(labelSlope, at: Int(label))
  }

  private func runNarrow(_ range: Range<Int>, _ loss: inout lanes_pair, _ correct: inout Int64) {
    let columns = logits.columns
    var rows = lanes_narrow()
    withUnsafeMutablePointer(to: &rows) { rows in
      let words = UnsafeMutableRawPointer(rows).assumingMemoryBound(to: Double.self)
      let fields = words + 1024
      for index in upTo(range) {
        let lane = index &- range.lowerBound
        load(LogitRow(logits.row(index), temperature: options.temperature, softcap: options.softcap), words + lane)
        fields[lane] = Double(labels[index])
      }
      narrowSoftmax(rows, columns, options.temperature)
      for index in upTo(range) {
        let lane = index &- range.lowerBound
        var statistics = LogitStatistics()
        statistics.greatest = fields[16 &+ lane]
        statistics.place = fields[32 &+ lane].whole
        statistics.others = fields[48 &+ lane]
        let label = labels[index], isIgnored = label == options.ignoredLabel
        let row = LogitRow(logits.row(index), temperature: options.temperature, softcap: options.softcap)
        let gradient = outputs.gradient?.row(index)
        let smoothed =
          isIgnored || options.labelSmoothing == 0 || statistics.isBad ? 0 : row.gaps(classes, statistics)
        guard
          let slopes = finish(
            index, label, statistics, fields[64 &+ lane], fields[80 &+ lane], smoothed, gradient != nil, &loss, &correct)
        else {
          gradient?.fill(isIgnored ? 0 : .nan)
          continue
        }
        guard let gradient else { continue }
        let labelSlope = slopes.label * row.slope(Int(label))
        let factor = slopes.factor / (1 + statistics.others), offset = slopes.offset
        if gradient.type == .float32, gradient.stride == 1, classes == nil, options.softcap == 0 {
          let out = gradient.data.assumingMemoryBound(to: Float.self)
          for column in upTo(columns) { out[column] = Float(words[column &* 16 &+ lane] * factor - offset + 0) }
        } else {
          for column in upTo(columns) {
            let value = words[column &* 16 &+ lane] * factor - offset * (classes?[column] ?? 1)
            gradient.write(value * row.slope(column), at: column)
          }
        }
        gradient.write(labelSlope, at: Int(label))
      }
    }
  }

  private func load(_ row: LogitRow, _ words: UnsafeMutablePointer<Double>) {
    if row.row.isNative(.float), options.softcap == 0 {
      let data = row.row.data.assumingMemoryBound(to: Float.self)
      for column in upTo(row.count) { words[column &* 16] = Double(data[column]) }
    } else {
      for column in upTo(row.count) { words[column &* 16] = row.logit(column) }
    }
  }

  /// A row's loss and the other numbers; then how its gradient is made: nil if there is none, for a row that is ignored
  /// or bad.
  ///
  ///     loss = r ((1 - e) w_y (lse - z_y) + e / C sum_j w_j (lse - z_j) + w_y zeta lse^2)
  @inline(__always)
  private func finish(
    _ index: Int, _ label: Int64, _ statistics: LogitStatistics, _ logTerms: Double, _ labelLogit: Double,
    _ smoothed: Double, _ needsSlopes: Bool, _ loss: inout lanes_pair, _ correct: inout Int64
  ) -> (factor: Double, offset: Double, label: Double)? {
    let temperature = options.temperature
    let isBad = statistics.isBad
    let logSum = isBad ? .nan : statistics.greatest / temperature + logTerms
    outputs.logSums?[index] = logSum + 0
    outputs.argmax?[index] = Int64(statistics.place)
    if label == options.ignoredLabel {
      outputs.losses?[index] = 0
      return nil
    }
    if isBad {
      loss = loss + lanes_pair(.nan)
      outputs.losses?[index] = .nan
      return nil
    }
    let row = rows?[index] ?? 1, weight = classes?[Int(label)] ?? 1
    let isGreatest = Int64(statistics.place) == label
    if isGreatest { correct &+= 1 }
    let gap = (statistics.greatest - labelLogit) / temperature
    let smoothing = options.labelSmoothing, share = smoothing / Double(logits.columns)
    var value = times((1 - smoothing) * weight, gap + logTerms)
    if smoothing > 0 { value += share * (smoothed + totalWeight * logTerms) }
    if options.zLoss > 0 { value += weight * options.zLoss * (logSum * logSum) }
    value = times(row, value)
    outputs.losses?[index] = value + 0
    loss = loss + lanes_pair(value)
    guard needsSlopes else { return nil }
    let over = 1 / (1 + statistics.others), scale = self.scale * row / temperature
    let term = exp(-gap)
    let rest = isGreatest ? statistics.others : max(0, statistics.others - term) + 1
    let extra = share * totalWeight + 2 * weight * options.zLoss * logSum
    // The label's own: -(sum of the other probabilities), never p_y - 1, which would be 0 in a confident row.
    let own = term * over * extra - share * weight - (1 - smoothing) * weight * (rest * over)
    return (scale * ((1 - smoothing) * weight + extra), scale * share, scale * own)
  }

  /// A weight of 0 counts nothing, not even an infinite loss.
  private func times(_ weight: Double, _ value: Double) -> Double { weight == 0 ? 0 : weight * value }
}
