// Losses that are sums of terms, one for each element: the loop over rows that all of them share. What a loss makes of
// an element is in NepitKernels/PointwiseLosses.swift.

internal import CSystem
internal import NepitMath

/// Up to four of a kind.
struct Four<Item> {
  var first, second, third, fourth: Item

  init(_ first: Item, _ second: Item, _ third: Item, _ fourth: Item) {
    (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
  }

  @inline(__always)
  subscript(index: Int) -> Item {
    switch index {
    case 0: first
    case 1: second
    case 2: third
    default: fourth
    }
  }
}

/// What a loss of elements may write; all of it is optional.
public struct PointwiseOutputs {
  /// The reduced loss, and each row's sum of terms.
  public var loss, losses: UnsafeMutablePointer<Double>?
  /// Each element's part of its row's loss.
  public var terms: MutableMatrix?
  /// Of the reduced loss by each input.
  var gradients = Four<MutableMatrix?>(nil, nil, nil, nil)

  public init() {}

  /// In the order of the inputs.
  public mutating func setGradients(
    _ first: MutableMatrix?, _ second: MutableMatrix? = nil, _ third: MutableMatrix? = nil,
    _ fourth: MutableMatrix? = nil
  ) {
    gradients = Four(first, second, third, fourth)
  }
}

/// What the sum of all terms is divided by.
enum Divisor: Int32 { case one, rows, elements, weights }

/// A loss of the elements at one place of up to four matrices.
struct PointwiseLoss: RowBlockTask {
  private let loss: lanes_loss
  /// The first is there; what is absent is a number.
  private let inputs: Four<Matrix?>
  private let outputs: PointwiseOutputs
  private let rows, columns: Int
  /// What the kernels read and write: floats where all inputs are small floats and rows long enough.
  private let element: lanes_element
  private var parameters = lanes_loss_rows()
  /// What the rows of each block add up to.
  private var sums: UnsafeMutablePointer<lanes_pair>? = nil
  /// Where rows are few and long, their segments are shared out instead.
  private let segments: Segments
  private let segmentCount: Int
  private let sharesSegments: Bool

  /// - Throws: `shape` where extents disagree.
  init(
    _ loss: lanes_loss, of inputs: Four<Matrix?>, absent: (Double, Double, Double, Double) = (0, 0, 0, 0),
    parameter: Double = 0, choice: Int64 = 0, into outputs: PointwiseOutputs
  ) throws(CallError) {
    guard let first = inputs.first else { throw .null }
    (self.loss, self.inputs, self.outputs) = (loss, inputs, outputs)
    (rows, columns) = (first.rows, first.columns)
    var isCoarse = true
    for index in upTo(4) {
      if let input = inputs[index] {
        guard input.rows == rows, input.columns == columns else { throw .shape }
        isCoarse = isCoarse && input.type.isCoarse
      }
      if let gradient = outputs.gradients[index], gradient.rows != rows || gradient.columns != columns {
        throw .shape
      }
    }
    if let terms = outputs.terms, terms.rows != rows || terms.columns != columns { throw .shape }
    // A short row's terms would be computed among its neighbours', which must not decide how.
    element = isCoarse && columns >= narrowColumns ? .float : .double
    segments = Segments(columns)
    segmentCount = segments.count
    sharesSegments = segmentCount > 1 && rows <= 1024 / max(1, segmentCount)
    (parameters.absent, parameters.parameter, parameters.choice) = (absent, parameter, choice)
  }

  /// - Throws: `cancelled` if the monitor said so.
  func evaluate(_ divisor: Divisor, _ execution: Execution) throws(CallError) {
    var count = 1.0
    switch divisor {
    case .one: break
    case .rows: count = Double(rows)
    case .elements: count = Double(rows) * Double(columns)
    case .weights:
      // The third input; their sum is a loss, too.
      guard inputs.third != nil else { return try evaluate(.elements, execution) }
      try withUnsafeMutablePointer(to: &count) { count throws(CallError) in
        var sum = PointwiseOutputs()
        sum.loss = count
        try PointwiseLoss(.weight, of: Four(inputs.third, nil, nil, nil), into: sum).evaluate(.one, execution.unwatched)
      }
    }
    var task = self
    task.parameters.scale = count == 0 ? 0 : 1 / count
    let units = sharesSegments ? rows &* segmentCount : rows
    let length = sharesSegments ? columns / max(1, segmentCount) : columns
    let blocks = RowBlocks(rows: units, columns: length)
    var memory = loss_sums()
    try withUnsafeMutablePointer(to: &memory) { memory throws(CallError) in
      let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: lanes_pair.self)
      task.sums = sums
      try forEachBlock(blocks, columns: length, execution, task)
      var total = lanes_pair.zero
      if sharesSegments {
        for row in upTo(rows) {
          var sum = lanes_pair.zero
          for segment in upTo(segmentCount) { sum = sum + sums[row &* segmentCount &+ segment] }
          outputs.losses?[row] = sum.value + 0
          total = total + sum
        }
      } else {
        for block in upTo(blocks.count) { total = total + sums[block] }
      }
      outputs.loss?.pointee = count == 0 ? 0 : total.value / count + 0
    }
  }

  func run(_ block: Int, _ range: Range<Int>) {
    var total = lanes_pair.zero
    if sharesSegments {
      // One of them, as there are no more than blocks.
      let count = max(1, segmentCount)
      for unit in upTo(range.upperBound, from: range.lowerBound) {
        total = total + sum(unit / count, segments[unit % count])
      }
    } else if columns < narrowColumns {
      total = sumNarrow(range)
    } else {
      total = sumRows(range)
    }
    sums?[block] = total
  }

  // MARK: - Long rows

  /// Rows of one segment several at a time, where they lie as the kernels read them; else each by itself.
  private func sumRows(_ range: Range<Int>) -> lanes_pair {
    var total = lanes_pair.zero, row = range.lowerBound
    var totals = loss_totals(), rows = parameters
    let isNative = segmentCount == 1 && pointInto(row, 0, &rows)
    withUnsafeMutableBytes(of: &totals) { totals in
      let totals = totals.baseAddress!.assumingMemoryBound(to: lanes_pair.self)
      while row < range.upperBound {
        var count = 1
        if isNative {
          count = min(64, range.upperBound &- row)
          _ = pointInto(row, 0, &rows)
          addLosses(loss, element, rows: count, columns, &rows, nil, totals)
        } else {
          totals[0] = .zero
          for segment in upTo(segmentCount) { totals[0] = totals[0] + sum(row, segments[segment]) }
        }
        for index in upTo(count) {
          outputs.losses?[row &+ index] = totals[index].value + 0
          total = total + totals[index]
        }
        row &+= count
      }
    }
    return total
  }

  private func sum(_ row: Int, _ range: Range<Int>) -> lanes_pair {
    var total = lanes_pair.zero, rows = parameters
    let start = range.lowerBound, count = range.upperBound &- range.lowerBound
    if pointInto(row, start, &rows) {
      addLosses(loss, element, rows: 1, count, &rows, nil, &total)
    } else {
      addCopies(row, start, range.upperBound, &rows, &total)
    }
    return total
  }

  /// Where the elements lie that the kernels can read and write in place; false if some of them cannot.
  private func pointInto(_ row: Int, _ start: Int, _ rows: inout lanes_loss_rows) -> Bool {
    var isNative = true
    func input(_ matrix: Matrix?) -> UnsafeRawPointer? {
      guard let row = matrix?.row(row) else { return nil }
      if !row.isNative(element) { isNative = false }
      return row.pointer(start)
    }
    func output(_ matrix: MutableMatrix?) -> UnsafeMutableRawPointer? {
      guard let row = matrix?.row(row) else { return nil }
      if row.stride != 1 || row.type != (element == .float ? .float32 : .float64) { isNative = false }
      return row.data + start &* row.stride &* row.type.size
    }
    func step(_ matrix: Matrix?) -> Int64 { matrix.map { Int64($0.rowStride &* $0.type.size) } ?? 0 }
    func step(_ matrix: MutableMatrix?) -> Int64 { matrix.map { Int64($0.rowStride &* $0.type.size) } ?? 0 }
    rows.input_steps = (step(inputs.first), step(inputs.second), step(inputs.third), step(inputs.fourth))
    rows.terms_step = step(outputs.terms)
    rows.slope_steps = (
      step(outputs.gradients.first), step(outputs.gradients.second), step(outputs.gradients.third),
      step(outputs.gradients.fourth)
    )
    rows.inputs = (input(inputs.first), input(inputs.second), input(inputs.third), input(inputs.fourth))
    rows.terms = output(outputs.terms)
    rows.slopes = (
      output(outputs.gradients.first), output(outputs.gradients.second), output(outputs.gradients.third),
      output(outputs.gradients.fourth)
    )
    return isNative
  }

  @inline(never)
  private func addCopies(
    _ row: Int, _ start: Int, _ end: Int, _ rows: inout lanes_loss_rows, _ total: inout lanes_pair
  ) {
    var memory = loss_pieces(), carry = lanes_loss_sum()
    withUnsafeMutableBytes(of: &memory) { memory in
      let pieces = Pieces(memory.baseAddress!)
      var start = start
      while start < end {
        let count = min(pieceLength, end &- start)
        func input(_ index: Int) -> UnsafeRawPointer? {
          guard let row = inputs[index]?.row(row) else { return nil }
          return row.piece(from: start, count: count, as: element, pieces[index])
        }
        rows.inputs = (input(0), input(1), input(2), input(3))
        pieces.place(outputs, &rows)
        addLosses(loss, element, rows: 1, count, &rows, &carry, &total)
        func write(_ piece: Int, _ out: MutableMatrix?) {
          guard let out = out?.row(row) else { return }
          if element == .float {
            out.write(pieces[piece].assumingMemoryBound(to: Float.self), from: start, count: count)
          } else {
            out.write(UnsafePointer(pieces[piece].assumingMemoryBound(to: Double.self)), from: start, count: count)
          }
        }
        write(4, outputs.terms)
        for index in upTo(4) { write(5 &+ index, outputs.gradients[index]) }
        start &+= count
      }
    }
  }

  // MARK: - Short rows

  /// Short rows are computed several at a time, as if they were one, in double; then each one's terms are added.
  private func sumNarrow(_ range: Range<Int>) -> lanes_pair {
    var total = lanes_pair.zero
    var memory = loss_pieces()
    withUnsafeMutableBytes(of: &memory) { memory in
      let pieces = Pieces(memory.baseAddress!)
      let most = pieceLength / max(1, columns)
      var row = range.lowerBound
      while row < range.upperBound {
        let count = min(most, range.upperBound &- row)
        var rows = parameters, whole = lanes_pair.zero
        func input(_ index: Int) -> UnsafeRawPointer? {
          guard let matrix = inputs[index] else { return nil }
          matrix.read(row, count, into: pieces[index].assumingMemoryBound(to: Double.self))
          return UnsafeRawPointer(pieces[index])
        }
        rows.inputs = (input(0), input(1), input(2), input(3))
        pieces.place(outputs, &rows)
        rows.terms = pieces[4]
        addLosses(loss, .double, rows: 1, count &* columns, &rows, nil, &whole)
        for index in upTo(4) { outputs.gradients[index]?.write(row, count, pieces[5 &+ index]) }
        outputs.terms?.write(row, count, pieces[4])
        let terms = pieces[4].assumingMemoryBound(to: Double.self)
        for index in upTo(count) {
          var sum = lanes_pair.zero
          for column in upTo(columns) { sum = sum + lanes_pair(terms[index &* columns &+ column]) }
          outputs.losses?[row &+ index] = sum.value + 0
          total = total + sum
        }
        row &+= count
      }
    }
    return total
  }
}

/// Room for pieces of the inputs, the terms and the gradients.
private struct Pieces {
  private let memory: UnsafeMutableRawPointer
  init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }
  subscript(index: Int) -> UnsafeMutableRawPointer { memory + index &* pieceLength &* 8 }

  /// Where what is wanted is written.
  func place(_ outputs: PointwiseOutputs, _ rows: inout lanes_loss_rows) {
    rows.terms = outputs.terms == nil ? nil : self[4]
    let gradients = outputs.gradients
    rows.slopes = (
      gradients.first == nil ? nil : self[5], gradients.second == nil ? nil : self[6],
      gradients.third == nil ? nil : self[7], gradients.fourth == nil ? nil : self[8]
    )
  }
}

extension Matrix {
  /// Reads whole rows, one behind the other.
  @inline(never)
  fileprivate func read(_ row: Int, _ count: Int, into out: UnsafeMutablePointer<Double>) {
    // All at once where one stride leads through all of them.
    let isEven = columns == 1 || rowStride == columns &* columnStride
    let length = isEven ? count &* columns : columns
    var done = 0
    while done < count {
      type.read(
        self.row(row &+ done).data, stride: columns == 1 ? rowStride : columnStride, count: length,
        into: out + done &* columns)
      done &+= isEven ? count : 1
    }
  }
}

extension MutableMatrix {
  /// Writes whole rows that lie one behind the other.
  @inline(never)
  fileprivate func write(_ row: Int, _ count: Int, _ values: UnsafeMutableRawPointer) {
    let values = UnsafePointer(values.assumingMemoryBound(to: Double.self))
    for index in upTo(count) { self.row(row &+ index).write(values + index &* columns, from: 0, count: columns) }
  }
}
