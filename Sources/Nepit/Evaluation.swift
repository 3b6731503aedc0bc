// How a measure meets its rows: which thread takes which, and how far-apart
// columns are brought together. Nothing here depends on the measure.

internal import CSystem
internal import NepitMath

/// What is done with one row, or a pair of rows. It writes only what belongs to its index.
protocol RowTask {
  func run(_ index: Int, _ rows: Rows)
  /// The sums that it asks of every row first, if it does.
  var firstRead: FirstRead? { get }
}

extension RowTask {
  var firstRead: FirstRead? { nil }
}

/// What a measure reads first, whatever the row: of neighbouring rows whose elements are far apart it is read together.
struct FirstRead {
  let reduction: lanes_reduction
  var parameters = lanes_parameters()
}

/// Runs a task over the rows of one matrix, or of two of which one may have a single row.
///
/// - Throws: `cancelled` if the monitor said so.
func forEachRow<Task: RowTask>(
  _ p: Matrix, _ q: Matrix, count: Int, _ execution: Execution, _ task: Task
) throws(CallError) {
  guard count > 0 else { return }
  let isSmall = count &* p.columns < 1 << 16
  if count == 1, isSmall, execution.monitor == nil { return task.run(0, Rows(p.row(0), q.row(0), nil)) }
  var team = Team(
    threads: isSmall ? 1 : execution.threads, monitor: execution.monitor, context: execution.context,
    environment: execution.environment)
  let isStopped = withUnsafeMutablePointer(to: &team) { team in
    let loopRows = RowLoop(p: p, q: q, count: count, task: task)
    if count &- execution.threads < execution.threads || count < 8, p.columns > 1 << 15 {
      for index in upTo(count) {
        team.pointee.enter(row: Double(index) / Double(count), Double(index &+ 1) / Double(count))
        task.run(index, Rows(p.row(p.rows == 1 ? 0 : index), q.row(q.rows == 1 ? 0 : index), team))
        if team.pointee.isStopped { break }
      }
    } else {
      loop(loopRows.blocks, team, loopRows)
    }
    return team.pointee.isStopped
  }
  if isStopped { throw .cancelled }
}

/// Rows in blocks: enough work for a turn, or as many as share cache lines.
private struct RowLoop<Task: RowTask>: LoopBody {
  let p, q: Matrix
  let count: Int
  let task: Task
  let element: lanes_element
  let blockRows: Int
  /// What to read of 16 rows together, where they lie side by side.
  let firstRead: FirstRead?

  init(p: Matrix, q: Matrix, count: Int, task: Task) {
    (self.p, self.q, self.count, self.task) = (p, q, count, task)
    element = p.type.isCoarse && q.type.isCoarse ? .float : .double
    let gathers = Tile.isNeeded(p) || Tile.isNeeded(q)
    let areColumns = gathers && p.isInColumns(element) && q.isInColumns(element)
    firstRead = areColumns && count >= 16 && p.columns <= 1 << 15 && readsColumns() ? task.firstRead : nil
    blockRows = firstRead != nil ? 16 : gathers ? Tile.rows(p.columns, element) : max(1, (1 << 14) / max(1, p.columns))
  }

  var blocks: Int { (count &- 1) / max(1, blockRows) &+ 1 }

  func run(_ block: Int) {
    let start = block &* blockRows
    let rows = min(blockRows, count &- start)
    if let firstRead { return runTogether(start, rows, firstRead) }
    let first = Tile(p, from: start, rows, element)
    let second = p.isSame(as: q) ? nil : Tile(q, from: start, rows, element)
    for offset in upTo(rows) {
      let index = start &+ offset
      let row = first.row(index)
      task.run(index, Rows(row, second?.row(index) ?? row, nil))
    }
    first.free()
    second?.free()
  }
}

extension RowLoop {
  /// Sixteen rows' first sums in one go; the last block goes back to where there are as many.
  private func runTogether(_ start: Int, _ rows: Int, _ first: FirstRead) {
    let base = min(start, count &- 16)
    var sums = row_sums(), slots = lanes_slots(), parameters = first.parameters
    withUnsafeMutableBytes(of: &sums) { sums in
      let sums = sums.baseAddress!.assumingMemoryBound(to: lanes_sums.self)
      let (rowP, rowQ) = (p.row(p.rows == 1 ? 0 : base), q.row(q.rows == 1 ? 0 : base))
      reduceColumns(
        first.reduction, element, rowP.data, step: rowP.stride &* p.type.size, shares: p.rows == 1,
        rowQ.data, step: rowQ.stride &* q.type.size, shares: q.rows == 1, p.columns, &parameters, &slots, sums)
      var neighbours = Neighbours(first.reduction, sums, p, q, from: base, element)
      withUnsafeMutablePointer(to: &neighbours) { neighbours in
        var index = start
        while index < start &+ rows {
          task.run(
            index,
            Rows(
              p.row(p.rows == 1 ? 0 : index), q.row(q.rows == 1 ? 0 : index), among: neighbours, at: index))
          index &+= 1
        }
      }
      neighbours.free()
    }
  }
}

/// Sixteen rows side by side whose first sums were read together. A further sum brings them together in memory, once.
struct Neighbours {
  private let reduction: lanes_reduction
  private let sums: UnsafePointer<lanes_sums>
  private let p, q: Matrix
  private let start: Int
  private let element: lanes_element
  /// The second is absent where both are one matrix.
  private var tiles: (first: Tile, second: Tile?)?

  init(
    _ reduction: lanes_reduction, _ sums: UnsafePointer<lanes_sums>, _ p: Matrix, _ q: Matrix, from start: Int,
    _ element: lanes_element
  ) {
    (self.reduction, self.sums, self.p, self.q) = (reduction, sums, p, q)
    (self.start, self.element) = (start, element)
  }

  mutating func sum(
    _ reduction: lanes_reduction, _ parameters: UnsafePointer<lanes_parameters>, _ index: Int, _ out: inout lanes_sums
  ) {
    if reduction == self.reduction {
      out = sums[index &- start]
      return
    }
    if tiles == nil {
      tiles = (Tile(p, from: start, 16, element), p.isSame(as: q) ? nil : Tile(q, from: start, 16, element))
    }
    if let tiles {
      let row = tiles.first.row(index)
      Rows(row, tiles.second?.row(index) ?? row, nil).sum(reduction, parameters, &out)
    }
  }

  func free() {
    tiles?.first.free()
    tiles?.second?.free()
  }
}

extension Matrix {
  /// Whether its rows lie side by side, of elements as the kernels read them; or are one.
  fileprivate func isInColumns(_ element: lanes_element) -> Bool {
    type == (element == .float ? .float32 : .float64) && (rows == 1 || rowStride == 1)
  }

  /// Whether both are the same rows of the same memory, as those of a measure of one matrix are.
  fileprivate func isSame(as other: Matrix) -> Bool {
    data == other.data && type == other.type && rows == other.rows
      && rowStride == other.rowStride && columnStride == other.columnStride
  }
}

/// Some rows of a matrix, side by side in memory if they were not: neighbouring rows whose columns are far apart share
/// cache lines, which are then read once instead of once a row.
struct Tile {
  private static var limit: Int { 4 << 20 }

  /// Two cache lines of rows, fewer where that would be more than the caches hold.
  static func rows(_ columns: Int, _ element: lanes_element) -> Int {
    let size = element == .float ? 4 : 8
    var rows = 128 / size
    while rows > 8, columns > (1 << 21) / size / rows { rows /= 2 }
    return rows
  }

  private let matrix: Matrix
  private let start: Int
  private let memory: UnsafeMutableRawPointer?
  private let pitch: Int
  private let type: ElementType

  static func isNeeded(_ matrix: Matrix) -> Bool {
    matrix.rows > 1 && matrix.columns > 1 && matrix.columnStride.magnitude > 1
      && matrix.rowStride.magnitude < matrix.columnStride.magnitude
  }

  init(_ matrix: Matrix, from start: Int, _ rows: Int, _ element: lanes_element) {
    (self.matrix, self.start) = (matrix, start)
    type = element == .float ? .float32 : .float64
    pitch = (matrix.columns &+ 7) / 8 &* 8 &+ 8
    // At most 32 rows; any number of columns.
    guard Tile.isNeeded(matrix), pitch <= Tile.limit / type.size, rows &* pitch &* type.size <= Tile.limit else {
      memory = nil
      return
    }
    // Without the memory the rows are read as they lie: slower, the same bits.
    memory = cs_allocate(rows &* pitch &* type.size)
    if let memory { gather(rows, memory) }
  }

  func free() { cs_free(memory) }

  @inline(__always)
  func row(_ index: Int) -> Row {
    guard let memory else { return matrix.row(matrix.rows == 1 ? 0 : index) }
    return Row(memory + (index &- start) &* pitch &* type.size, 1, matrix.columns, type)
  }

  private func gather(_ rows: Int, _ memory: UnsafeMutableRawPointer) {
    let base = matrix.data + start &* matrix.rowStride &* matrix.type.size
    switch (matrix.type, type) {
    case (.float64, .float64):
      copy(rows, base.assumingMemoryBound(to: Double.self), memory.assumingMemoryBound(to: Double.self)) {
        lanes_transpose_f64($0, $1, $2, $3, $4)
      }
    case (.float32, .float32):
      copy(rows, base.assumingMemoryBound(to: Float.self), memory.assumingMemoryBound(to: Float.self)) {
        lanes_transpose_f32($0, $1, $2, $3, $4)
      }
    default:
      // By rows of the memory: its columns are the matrix's rows.
      var line = SIMD32<Double>()
      withUnsafeMutablePointer(to: &line) { vector in
        let line = UnsafeMutableRawPointer(vector).assumingMemoryBound(to: Double.self)
        for column in upTo(matrix.columns) {
          let data = base + column &* matrix.columnStride &* matrix.type.size
          matrix.type.read(data, stride: matrix.rowStride, count: rows, into: line)
          for row in upTo(rows) { type.write(line[row], memory, row &* pitch &+ column) }
        }
      }
    }
  }

  /// Eight by eight where that fits, one by one at the edges. Along the columns first: their pages are far apart.
  @inline(__always)
  private func copy<Element>(
    _ rows: Int, _ from: UnsafePointer<Element>, _ to: UnsafeMutablePointer<Element>,
    _ transpose: (UnsafePointer<Element>, Int, UnsafeMutablePointer<Element>, Int, _ left: Int) -> Void
  ) {
    var column = 0
    if rows & 7 == 0, matrix.rowStride == 1 {
      while column &+ 8 <= matrix.columns {
        var row = 0
        while row < rows {
          transpose(
            from + column &* matrix.columnStride + row, matrix.columnStride, to + (row &* pitch &+ column), pitch,
            matrix.columns &- column)
          row &+= 8
        }
        column &+= 8
      }
    }
    for index in upTo(matrix.columns, from: column) {
      for row in upTo(rows) {
        to[row &* pitch &+ index] = from[row &* matrix.rowStride &+ index &* matrix.columnStride]
      }
    }
  }
}

// MARK: - Measures

/// A number for each row, or for each pair.
protocol Measure {
  func value(_ rows: Rows) -> Double
  /// The sums that `value` asks for first, if they are the same for every row.
  var firstRead: FirstRead? { get }
}

extension Measure {
  var firstRead: FirstRead? { nil }
}

/// A measure with its gradient by each argument's weights.
protocol DifferentiableMeasure: Measure {
  /// Writes the gradients that are wanted and gives the value.
  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double
}

private struct ValueTask<M: Measure>: RowTask {
  let measure: M
  let out: UnsafeMutablePointer<Double>
  var firstRead: FirstRead? { measure.firstRead }
  func run(_ index: Int, _ rows: Rows) { out[index] = measure.value(rows) + 0 }
}

private struct GradientTask<M: DifferentiableMeasure>: RowTask {
  let measure: M
  let out: UnsafeMutablePointer<Double>?
  let first, second: MutableMatrix?
  func run(_ index: Int, _ rows: Rows) {
    let value = measure.differentiate(rows, first?.row(index), second?.row(index))
    out?[index] = value + 0
  }
}

/// How many results two matrices give.
func resultCount(_ p: Matrix, _ q: Matrix) throws(CallError) -> Int {
  guard p.columns == q.columns else { throw .shape }
  if p.rows == q.rows { return p.rows }
  if p.rows == 1 { return q.rows }
  guard q.rows == 1 else { throw .shape }
  return p.rows
}

extension Measure {
  /// A value for each row of one matrix.
  func evaluate(_ p: Matrix, _ execution: Execution, into out: UnsafeMutablePointer<Double>?) throws(CallError) {
    try evaluate(p, p, execution, into: out)
  }

  /// A value for each pair of rows.
  func evaluate(
    _ p: Matrix, _ q: Matrix, _ execution: Execution, into out: UnsafeMutablePointer<Double>?
  ) throws(CallError) {
    let count = try resultCount(p, q)
    guard count > 0 else { return }
    guard let out else { throw .null }
    try forEachRow(p, q, count: count, execution, ValueTask(measure: self, out: out))
  }
}

extension DifferentiableMeasure {
  /// Values and gradients for each pair of rows; each output may be absent.
  func differentiate(
    _ p: Matrix, _ q: Matrix, _ execution: Execution, into out: UnsafeMutablePointer<Double>?, _ first: MutableMatrix?,
    _ second: MutableMatrix?
  ) throws(CallError) {
    let count = try resultCount(p, q)
    if let first, first.rows != count || first.columns != p.columns { throw .shape }
    if let second, second.rows != count || second.columns != p.columns { throw .shape }
    try forEachRow(p, q, count: count, execution, GradientTask(measure: self, out: out, first: first, second: second))
  }
}

/// A function of each element, or of each pair, to one or two outputs.
struct Elementwise: RowTask {
  let map: lanes_map
  var parameters = lanes_parameters()
  var first, second: MutableMatrix?

  init(_ map: lanes_map) { self.map = map }

  func run(_ index: Int, _ rows: Rows) { rows.map(map, parameters, to: first?.row(index), second?.row(index)) }

  func evaluate(
    _ p: Matrix, _ q: Matrix, _ execution: Execution, into first: MutableMatrix?, _ second: MutableMatrix? = nil
  ) throws(CallError) {
    let count = try resultCount(p, q)
    if let first, first.rows != count || first.columns != p.columns { throw .shape }
    if let second, second.rows != count || second.columns != p.columns { throw .shape }
    var task = self
    (task.first, task.second) = (first, second)
    try forEachRow(p, q, count: count, execution, task)
  }
}
