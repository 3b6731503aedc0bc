// Two models' logits, token by token: what is kept of them, and what it tells.

internal import CSystem
internal import NepitMath

/// Adds up how far a model's logits are from those of a base model, over any number of tokens.
///
/// Sums are exact and everything else is counted or sorted, so that tokens may come in any order, in any number of
/// parts whose comparisons are merged in any order: the results are the same bits. A handle of memory that it owns.
public struct LogitsComparison: ~Copyable {
  /// What `nepit_logits_comparison` points to.
  /// Nil once it was given away.
  private var handle: OpaquePointer?

  /// The comparison that a handle stands for, which it owns from now on.
  public init(_ handle: OpaquePointer) { self.handle = handle }

  /// Gives the memory away, as a handle.
  public consuming func release() -> OpaquePointer {
    let given = handle.unsafelyUnwrapped
    handle = nil
    return given
  }

  /// - Parameters:
  ///   - columns: The vocabulary's size.
  ///   - top: How many of each model's most likely tokens are compared.
  ///   - sketchBits: 0 to keep a float for each token's percentile, else how fine the cells are.
  ///   - first: The position of the first token.
  /// - Throws: `parameter`, `memory`.
  public init(columns: Int, top: Int = 10, sketchBits: Int = 0, first: Int = 0) throws(CallError) {
    handle = try LogitsState.make(columns: columns, top: top, bits: sketchBits, first: first)
  }

  /// Takes over what `save` wrote.
  ///
  /// - Throws: `format` for anything else, `memory`.
  public init(loading bytes: UnsafeRawBufferPointer) throws(CallError) {
    handle = try LogitsState.load(bytes)
  }

  deinit { if let handle { LogitsState.free(handle) } }

  /// The state, for the length of a call.
  var state: UnsafeMutablePointer<LogitsState> { UnsafeMutablePointer(handle.unsafelyUnwrapped) }
}

/// The numbers that a token is compared by; the raw values are the header's.
enum LogitsValue: Int {
  case divergence, reverse, jensenShannon, totalVariation, baseEntropy, testEntropy, sameTop, overlap
  case baseLoss, testLoss, logRatio, probabilityChange

  /// How many there are.
  static var count: Int { 12 }
  /// How many need no label.
  static var unlabelled: Int { 8 }
}

/// The label that says that there is none, as elsewhere in the section.
let ignoredLabel = -100

/// Everything a comparison keeps. Trivial: what it points to is freed by `free`.
struct LogitsState {
  static var maximumColumns: Int { 1 << 31 }
  static var maximumTop: Int { 64 }
  static var maximumBits: Int { 12 }
  /// Tokens: the squares of the numbers of those shared then have a sum below 2^63.
  static var maximumTokens: Int { 1 << 50 }

  let columns: Int, top: Int
  /// The position of the token that comes next.
  var next: Int
  /// Tokens that count, those with a label, and those that are no distributions.
  var rows = 0, labelled = 0, invalid = 0, firstInvalid = 0
  var sameTop = 0
  /// Of the top tokens that both share, their number and its square.
  var shared = 0, sharedSquares = 0
  var extremes = Extremes(), changes = Extremes()
  var divergence: Distribution, probabilityChange: Distribution
  /// The exact sums, `Sum.count` of them.
  let sums: UnsafeMutablePointer<UInt64>

  /// The least and the greatest of a quantity, and where: the first place of equal ones.
  struct Extremes {
    var least = Double.infinity, greatest = -Double.infinity
    var leastAt = 0, greatestAt = 0

    mutating func add(_ value: Double, _ position: Int, _ least: Double, _ leastAt: Int) {
      if value > greatest || (value == greatest && position < greatestAt) { (greatest, greatestAt) = (value, position) }
      if least < self.least || (least == self.least && leastAt < self.leastAt) {
        (self.least, self.leastAt) = (least, leastAt)
      }
    }
  }

  /// The values' sums, each with the sum of its squares; products of two; a fourth power.
  enum Sum {
    static var product: Int { 2 * LogitsValue.count }
    static var fourth: Int { product + 1 }
    static var count: Int { fourth + 1 }
  }

  func sum(_ index: Int) -> FixedPointSum { FixedPointSum(sums + index &* FixedPointSum.words) }

  /// Whether there may be so many tokens more.
  func hasRoom(for more: Int) -> Bool { more <= Self.maximumTokens &- rows &- invalid }

  // MARK: Memory

  static func make(columns: Int, top: Int, bits: Int, first: Int) throws(CallError) -> OpaquePointer {
    guard columns > 0, columns <= maximumColumns, top > 0, top <= maximumTop, bits >= 0, bits <= maximumBits,
      first >= 0, first < 1 << 53
    else { throw .parameter }
    let words = Sum.count * FixedPointSum.words
    guard let memory = cs_allocate(MemoryLayout<LogitsState>.size) else { throw .memory }
    guard let sums = cs_allocate(words * 8) else {
      cs_free(memory)
      throw .memory
    }
    memset(sums, 0, words * 8)
    var divergence: Distribution?
    do throws(CallError) {
      divergence = try Distribution(bits: bits)
      let state = memory.assumingMemoryBound(to: LogitsState.self)
      state.initialize(
        to: LogitsState(
          columns: columns, top: top, next: first, divergence: divergence.unsafelyUnwrapped,
          probabilityChange: try Distribution(bits: bits), sums: sums.assumingMemoryBound(to: UInt64.self)))
      return OpaquePointer(state)
    } catch {
      divergence?.free()
      cs_free(sums)
      cs_free(memory)
      throw error
    }
  }

  static func free(_ handle: OpaquePointer) {
    let state = UnsafeMutablePointer<LogitsState>(handle)
    state.pointee.divergence.free()
    state.pointee.probabilityChange.free()
    cs_free(state.pointee.sums)
    cs_free(state)
  }

  // MARK: Tokens

  /// Takes the values of the next token. There is room in the distributions.
  mutating func add(_ values: UnsafePointer<Double>, sharedTop: Int, hasLabel: Bool) {
    let position = next
    next &+= 1
    guard values[0] == values[0] else {
      if invalid == 0 || position < firstInvalid { firstInvalid = position }
      invalid &+= 1
      return
    }
    rows &+= 1
    sameTop &+= values[LogitsValue.sameTop.rawValue] == 1 ? 1 : 0
    shared &+= sharedTop
    sharedSquares &+= sharedTop &* sharedTop
    for index in upTo(hasLabel ? LogitsValue.count : LogitsValue.unlabelled) {
      sum(2 &* index).add(values[index])
      sum(2 &* index &+ 1).addProduct(values[index], values[index])
    }
    let kl = values[LogitsValue.divergence.rawValue]
    extremes.add(kl, position, kl, position)
    divergence.add(kl)
    guard hasLabel else { return }
    labelled &+= 1
    sum(Sum.product).addProduct(values[LogitsValue.baseLoss.rawValue], values[LogitsValue.testLoss.rawValue])
    let change = values[LogitsValue.probabilityChange.rawValue]
    sum(Sum.fourth).addProduct(change * change, change * change)
    changes.add(change, position, change, position)
    probabilityChange.add(change)
  }

  /// Takes what another has seen.
  ///
  /// - Throws: `shape` for another vocabulary, `parameter` for another `top` or other percentiles, or too many tokens
  ///   together, `memory`.
  mutating func merge(_ other: LogitsState) throws(CallError) {
    guard other.columns == columns else { throw .shape }
    guard other.top == top, other.divergence.bits == divergence.bits,
      hasRoom(for: other.rows &+ other.invalid)
    else { throw .parameter }
    try divergence.reserve(other.divergence.count)
    try probabilityChange.reserve(other.probabilityChange.count)
    divergence.merge(other.divergence)
    probabilityChange.merge(other.probabilityChange)
    for index in upTo(Sum.count) { sum(index).merge(other.sum(index)) }
    if other.invalid > 0, invalid == 0 || other.firstInvalid < firstInvalid { firstInvalid = other.firstInvalid }
    next = max(next, other.next)
    rows &+= other.rows
    labelled &+= other.labelled
    invalid &+= other.invalid
    sameTop &+= other.sameTop
    shared &+= other.shared
    sharedSquares &+= other.sharedSquares
    extremes.add(other.extremes.greatest, other.extremes.greatestAt, other.extremes.least, other.extremes.leastAt)
    changes.add(other.changes.greatest, other.changes.greatestAt, other.changes.least, other.changes.leastAt)
  }
}

// MARK: - Update

extension LogitsComparison {
  /// Compares the tokens of two matrices, of which one may have a single row.
  ///
  /// - Parameters:
  ///   - base: The base model's logits, a token a row.
  ///   - test: The other model's.
  ///   - labels: A column of integers, the tokens that came next; -100 says that none is known.
  ///   - values: [rows, 12], the values of each token.
  /// - Throws: `shape`, `elementType`, `label`, `memory` or `cancelled`, and nothing has changed.
  public mutating func update(
    base: Matrix, test: Matrix, labels: Matrix? = nil, running execution: Execution = .inline,
    values: MutableMatrix? = nil
  ) throws(CallError) {
    try LogitsState.update(state, base, test, labels, execution, values)
  }

  /// Takes what another comparison has seen, of the same vocabulary, `top` and percentiles.
  public mutating func merge(_ other: borrowing LogitsComparison) throws(CallError) {
    // Its own tokens once more: the memory they come from may move while there is made room.
    let state = state
    var copy = other.state.pointee
    if state == other.state {
      try state.pointee.divergence.reserve(copy.divergence.count)
      try state.pointee.probabilityChange.reserve(copy.probabilityChange.count)
      copy = state.pointee
    }
    try state.pointee.merge(copy)
  }
}

extension LogitsState {
  static func update(
    _ state: UnsafeMutablePointer<LogitsState>, _ base: Matrix, _ test: Matrix, _ labels: Matrix?,
    _ execution: Execution, _ values: MutableMatrix?
  ) throws(CallError) {
    guard base.type.isWritable, test.type.isWritable else { throw .elementType }
    if let labels { guard labels.type == .int32 || labels.type == .int64 else { throw .elementType } }
    let count = try resultCount(base, test)
    guard base.columns == state.pointee.columns else { throw .shape }
    if let values { guard values.rows == count, values.columns == LogitsValue.count else { throw .shape } }
    if let labels {
      guard labels.rows == count, labels.columns == 1 else { throw .shape }
      for index in upTo(count) {
        let label = labels.row(index).integer()
        guard label == ignoredLabel || (label >= 0 && label < base.columns) else { throw .label }
      }
    }
    guard count > 0 else { return }
    guard state.pointee.hasRoom(for: count) else { throw .parameter }
    // What the tokens are compared by is kept aside until all are: a call that fails changes nothing.
    let (bytes, over) = count.multipliedReportingOverflow(by: (LogitsValue.count + 1) * 8)
    guard !over else { throw .memory }
    try state.pointee.divergence.reserve(count)
    if labels != nil { try state.pointee.probabilityChange.reserve(count) }
    guard let memory = cs_allocate(bytes) else { throw .memory }
    defer { cs_free(memory) }
    let all = memory.assumingMemoryBound(to: Double.self)
    let task = LogitsTask(base: base, test: test, top: state.pointee.top, labels: labels, out: all)
    try forEachBlock(RowBlocks(rows: count, columns: base.columns), columns: base.columns, execution, task)
    for index in upTo(count) {
      let row = all + index &* (LogitsValue.count &+ 1)
      let label = labels?.row(index).integer() ?? -1
      state.pointee.add(row, sharedTop: row[LogitsValue.count].whole, hasLabel: label >= 0)
      values?.row(index).write(row, from: 0, count: LogitsValue.count)
    }
  }
}

/// Compares tokens, and writes of each its values and how many top tokens both share.
private struct LogitsTask: RowBlockTask {
  let base, test: Matrix
  let top: Int
  let labels: Matrix?
  let out: UnsafeMutablePointer<Double>

  func run(_ block: Int, _ rows: Range<Int>) {
    for index in upTo(rows) {
      let row = out + index &* (LogitsValue.count &+ 1)
      let pair = Rows(base.row(base.rows == 1 ? 0 : index), test.row(test.rows == 1 ? 0 : index), nil)
      compareLogits(pair, label: labels?.row(index).integer() ?? ignoredLabel, top: top, into: row)
      for value in upTo(LogitsValue.count) { row[value] += 0 }  // no -0
    }
  }
}
