// Distillation: how far a student's predictions are from a teacher's, from the logits of both.

internal import CSystem
internal import NepitMath

/// A divergence of the teacher's distribution p and the student's q.
public enum DistillationDivergence: Int32, Sendable {
  case forwardKL = 0
  case reverseKL, jensenShannon, totalVariation
}

/// What may be changed about a distillation loss.
public struct DistillationOptions {
  var divergence = DistillationDivergence.forwardKL
  var beta = 0.5
  var temperature = 1.0
  var isTimesSquaredTemperature = false
  var reduction = Reduction.mean

  public init() {}

  /// - Throws: `parameter` for a `beta` that is not between 0 and 1, or a temperature that is not positive and finite.
  public init(
    divergence: DistillationDivergence, beta: Double, temperature: Double, isTimesSquaredTemperature: Bool,
    reduction: Reduction
  ) throws(CallError) {
    guard beta > 0, beta < 1, temperature > 0, temperature < .infinity else { throw .parameter }
    (self.divergence, self.beta, self.temperature) = (divergence, beta, temperature)
    (self.isTimesSquaredTemperature, self.reduction) = (isTimesSquaredTemperature, reduction)
  }
}

/// What a distillation loss may write; all of it is optional.
public struct DistillationOutputs {
  public var loss, losses: UnsafeMutablePointer<Double>?
  public var studentGradient, teacherGradient: MutableMatrix?

  public init() {}
}

/// The divergence of each row of a student's predictions from the teacher's, by the logits of both.
///
/// - Throws: `shape` or `cancelled`.
public func distillation(
  of teacher: Matrix, into student: Matrix, rowWeights: Matrix?, options: DistillationOptions,
  into outputs: DistillationOutputs, running execution: Execution
) throws(CallError) {
  guard student.rows == teacher.rows, student.columns == teacher.columns else { throw .shape }
  guard outputs.studentGradient?.hasExtent(of: student) != false,
    outputs.teacherGradient?.hasExtent(of: student) != false
  else { throw .shape }
  var weights: Weights?
  if let rowWeights { weights = try Weights(rowWeights, count: student.rows) }
  let divisor = options.reduction == .mean ? total(weights, count: student.rows) : 1
  var task = DistillationTask(
    student: student, teacher: teacher, weights: weights, options: options, outputs: outputs,
    scale: divisor == 0 ? 0 : 1 / divisor)
  let blocks = RowBlocks(rows: student.rows, columns: student.columns)
  var sums = loss_blocks()
  try withUnsafeMutablePointer(to: &sums) { memory throws(CallError) in
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: loss_block.self)
    task.sums = sums
    try forEachBlock(blocks, columns: student.columns, execution, task)
    outputs.loss?.pointee = divisor == 0 ? 0 : sums.total(of: blocks).value / divisor + 0
  }
}

private struct DistillationTask: RowBlockTask {
  let student, teacher: Matrix
  let weights: Weights?
  let options: DistillationOptions
  let outputs: DistillationOutputs
  /// What the sum of the rows' losses is multiplied with.
  let scale: Double
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
  private func run(_ index: Int) -> Double {
    let weight = weights?[index] ?? 1, temperature = options.temperature, beta = options.beta
    let ofStudent = outputs.studentGradient?.row(index), ofTeacher = outputs.teacherGradient?.row(index)
    guard weight != 0 else {
      // It counts nothing, not even NaN.
      ofStudent?.fill(0)
      ofTeacher?.fill(0)
      return 0
    }
    // Divergences are computed as those of a first row from a second; of a mixture the second has the lesser share.
    let rows = Rows(teacher.row(index), student.row(index), nil)
    let isReversed =
      switch options.divergence {
      case .forwardKL, .totalVariation: false
      case .reverseKL: true
      case .jensenShannon: beta < 0.5
      }
    var pair = DivergingRows(isReversed ? rows.reversed : rows, temperature)
    let value = pair.value(options.divergence, isReversed ? beta : 1 - beta)
    let size = weight * (options.isTimesSquaredTemperature ? temperature * temperature : 1)
    if ofStudent != nil || ofTeacher != nil {
      pair.writeGradients(
        times: scale * size / temperature, isReversed ? ofStudent : ofTeacher, isReversed ? ofTeacher : ofStudent)
    }
    return size * value + 0
  }
}

/// Two rows of logits, and how far their softmaxes p and q are apart.
private struct DivergingRows {
  private let rows: Rows
  private var pair = lanes_divergence()
  /// KL(p || q); NaN where a row is no distribution.
  private var divergence = Double.nan
  private var kind = lanes_divergence_kind.kullback_leibler

  init(_ rows: Rows, _ temperature: Double) {
    self.rows = rows
    let p = LogitRow(rows.p, temperature: temperature).statistics()
    let q = LogitRow(rows.q, temperature: temperature).statistics()
    if p.isBad || q.isBad { return }
    pair.temperature = temperature
    (pair.greatest_p, pair.greatest_q) = (p.greatest, q.greatest)
    (pair.total_p, pair.total_q) = (1 + p.others, 1 + q.others)
    let distance = lanes_pair(sumOf: q.greatest, and: -p.greatest)
    // log(Q / P), which is not known as well as the logits' own differences. The sum of q - p tells how far it is off,
    // and what that adds to the divergence is taken away, or avoided by another read where it is much.
    var delta = q.logTerms - p.logTerms
    var sums = lanes_logit_sums(), error = 0.0, reads = 0, isExact = false
    while !isExact, reads < 3 {
      pair.shift = distance + lanes_pair(temperature * delta)
      sums = sum(.kullback_leibler)
      error = sums.total(1) / sums.total(0)
      let terms = sums.total(2) / sums.total(0), excess = logExcess(error)
      divergence = max(terms - excess, 0)
      isExact = excess <= terms / 4
      delta += log1p(error)
      reads &+= 1
    }
    pair.shift = distance + lanes_pair(temperature * delta)
    pair.total_p *= sums.total(0)
    pair.total_q *= sums.total(0) * (1 + error)
  }

  private func sum(_ kind: lanes_divergence_kind) -> lanes_logit_sums {
    var sums = lanes_logit_sums(), pair = pair
    rows.forEachPiece { element, _, p, q, count in addDivergence(kind, element, p, q, count, &pair, &sums) }
    return sums
  }

  /// The divergence; `share` is q's of a mixture.
  mutating func value(_ divergence: DistillationDivergence, _ share: Double) -> Double {
    guard self.divergence == self.divergence else { return .nan }
    switch divergence {
    case .forwardKL, .reverseKL:
      pair.mean_p = self.divergence
      return self.divergence
    case .jensenShannon:
      kind = .jensen_shannon
      pair.weight = share
      let sums = sum(kind), value = max(sums.total(0), 0)
      pair.mean_p = max(sums.total(1), 0)
      pair.mean_q = (value - (1 - share) * pair.mean_p) / share
      return value
    case .totalVariation:
      kind = .total_variation
      let sums = sum(kind)
      (pair.mean_p, pair.mean_q) = (sums.total(1), sums.total(2))
      return sums.total(0)
    }
  }

  /// Writes `factor` times the gradients by the two rows' logits.
  mutating func writeGradients(times factor: Double, _ first: MutableRow?, _ second: MutableRow?) {
    guard divergence == divergence else {
      first?.fill(.nan)
      second?.fill(.nan)
      return
    }
    pair.factor = factor
    let isInfinite = kind == .kullback_leibler && divergence == .infinity
    write(isInfinite ? nil : first, second)
    if isInfinite { first?.fill(.nan) }
  }

  private func write(_ first: MutableRow?, _ second: MutableRow?) {
    let element: lanes_element = rows.isCoarse ? .float : .double
    if first?.isNative(element) != false, second?.isNative(element) != false { return write(first, second, nil) }
    var room = logit_pieces()
    withUnsafeMutableBytes(of: &room) { write(first, second, $0.baseAddress) }
  }

  /// By way of `room` where they cannot be written as they lie.
  private func write(_ first: MutableRow?, _ second: MutableRow?, _ room: UnsafeMutableRawPointer?) {
    var pair = pair
    let other = room.map { $0 + pairLength &* 8 }
    rows.forEachPiece { element, start, p, q, count in
      writeDivergence(
        kind, element, p, q, count, &pair, first?.place(start, element, room), second?.place(start, element, other))
      first?.take(room, element, from: start, count: count)
      second?.take(other, element, from: start, count: count)
    }
  }
}

extension MutableRow {
  /// Where the kernels write elements from `start`.
  fileprivate func place(
    _ start: Int, _ element: lanes_element, _ room: UnsafeMutableRawPointer?
  ) -> UnsafeMutableRawPointer? {
    isNative(element) ? data + start &* type.size : room
  }

  /// Copies what the kernels have written elsewhere.
  fileprivate func take(_ room: UnsafeMutableRawPointer?, _ element: lanes_element, from start: Int, count: Int) {
    guard let room, !isNative(element) else { return }
    if element == .float {
      write(UnsafePointer(room.assumingMemoryBound(to: Float.self)), from: start, count: count)
    } else {
      write(UnsafePointer(room.assumingMemoryBound(to: Double.self)), from: start, count: count)
    }
  }
}
