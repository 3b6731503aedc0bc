// A row of logits: its softmax's statistics, and what is written of each of its elements. The functions of this
// section are built of these; the kernels below them see adjacent floats or doubles.

internal import CSystem
internal import NepitMath

/// Rows of at most so many columns are computed 16 side by side, whatever their batch: the bits depend on the
/// columns alone.
let narrowColumns = 64

/// What softmax makes of a row of logits z = x / T.
struct LogitStatistics {
  /// The greatest logit, and where it is first.
  var greatest = -Double.infinity, place = 0
  /// The sum of e^(z_j - max z) over all j but `place`.
  var others = 0.0
  /// The same sum of e^(z_j - max z) (max z - z_j).
  var spread = 0.0
  /// Logits of which none is greater than -infinity, or one is infinite or NaN.
  var isBad: Bool { !(greatest - greatest == 0 && others - others == 0) }
  /// log of the sum of all e^(z_j - max z).
  var logTerms: Double { log1p(others) }
}

/// One row of logits with how they are read: divided by a temperature, capped before where `softcap` is not 0, and
/// -infinity where a mask is 0.
struct LogitRow {
  let row: Row
  let mask: Row?
  let temperature, softcap: Double
  /// What the kernels compute in: floats for small floats.
  let element: lanes_element

  /// With `isFine` small floats, too, are computed as doubles.
  init(_ row: Row, temperature: Double = 1, softcap: Double = 0, mask: Row? = nil, isFine: Bool = false) {
    (self.row, self.mask, self.temperature, self.softcap) = (row, mask, temperature, softcap)
    let isCoarse = row.type.isCoarse && !isFine && softcap == 0 && temperature > 0x1p-30 && temperature < 0x1p30
    element = isCoarse ? .float : .double
  }

  private init(_ other: LogitRow, _ element: lanes_element) {
    (row, mask, self.element) = (other.row, other.mask, element)
    (temperature, softcap) = (other.temperature, other.softcap)
  }

  /// Whether the kernels can read it where it lies.
  private var isNative: Bool { softcap == 0 && mask == nil && row.isNative(element) }

  var count: Int { row.count }

  /// The elements that are handed to the kernels at a time.
  private var chunkLength: Int { element == .float ? 4096 : 2048 }

  /// The logit as the statistics see it, capped.
  func logit(_ index: Int) -> Double {
    let x = row.read(index)
    return softcap == 0 ? x : capped(x).value
  }

  /// c tanh(x / c) and its derivative.
  private func capped(_ x: Double) -> (value: Double, slope: Double) {
    let e = exp(-2 * abs(x) / softcap)
    let value = softcap * (-expm1(-2 * abs(x) / softcap) / (1 + e))
    return (x < 0 ? -value : value, 4 * e / ((1 + e) * (1 + e)))
  }

  /// The derivative of the capped logit by the logit.
  func slope(_ index: Int) -> Double { softcap == 0 ? 1 : capped(row.read(index)).slope }

  /// Elements from `start` where they lie, or copied into the buffer.
  func chunk(from start: Int, count: Int, _ buffer: UnsafeMutableRawPointer) -> UnsafeRawPointer {
    if isNative { return row.pointer(start) }
    if let mask {
      for index in upTo(count) {
        let x = mask.read(start &+ index) == 0 ? -Double.infinity : logit(start &+ index)
        if element == .float {
          buffer.storeBytes(of: Float(x), toByteOffset: index &* 4, as: Float.self)
        } else {
          buffer.storeBytes(of: x, toByteOffset: index &* 8, as: Double.self)
        }
      }
      return UnsafeRawPointer(buffer)
    }
    if element == .float, row.stride == 1, row.type != .float32 {
      widenHalves(
        row.type == .bfloat16, row.pointer(start).assumingMemoryBound(to: UInt16.self), count,
        buffer.assumingMemoryBound(to: Float.self))
      return UnsafeRawPointer(buffer)
    }
    let chunk = row.piece(from: start, count: count, as: element, buffer)
    if softcap != 0 {
      let words = buffer.assumingMemoryBound(to: Double.self)
      for index in upTo(count) { words[index] = capped(chunk.load(fromByteOffset: index &* 8, as: Double.self)).value }
      return UnsafeRawPointer(buffer)
    }
    return chunk
  }

  /// Hands the row to `body` chunk by chunk: where a chunk starts, its elements, how many they are.
  @inline(__always)
  func forEachChunk(_ body: (_ start: Int, _ chunk: UnsafeRawPointer, _ count: Int) -> Void) {
    // (A chunk's memory would be cleared for nothing, which takes as long as the sums of a thousand terms.)
    if isNative {
      var start = 0
      while start < count {
        let length = min(chunkLength, count &- start)
        body(start, row.pointer(start), length)
        start &+= length
      }
    } else {
      forEachCopiedChunk(body)
    }
  }

  private func forEachCopiedChunk(_ body: (_ start: Int, _ chunk: UnsafeRawPointer, _ count: Int) -> Void) {
    var buffer = row_chunk()
    withUnsafeMutableBytes(of: &buffer) { buffer in
      var start = 0
      while start < count {
        let length = min(chunkLength, count &- start)
        body(start, chunk(from: start, count: length, buffer.baseAddress.unsafelyUnwrapped), length)
        start &+= length
      }
    }
  }

  // MARK: - Statistics

  /// The row's statistics: floats in one read, doubles in two.
  func statistics(spread: Bool = false) -> LogitStatistics {
    guard element == .float else { return doubleStatistics(spread) }
    let result = floatStatistics(spread)
    // Where one outcome has all but everything, the others' terms may have been too small for floats.
    return isTooSmall(result) ? LogitRow(self, .double).doubleStatistics(spread) : result
  }

  private func isTooSmall(_ statistics: LogitStatistics) -> Bool {
    element == .float && statistics.others < 0x1p-60 && !statistics.isBad
  }

  private func doubleStatistics(_ spread: Bool) -> LogitStatistics {
    var result = LogitStatistics()
    forEachChunk { start, chunk, count in
      let top = greatestLogit(.double, chunk, count)
      if top > result.greatest {
        (result.greatest, result.place) = (top, start &+ placeOfLogit(.double, chunk, count, top))
      }
    }
    guard result.greatest - result.greatest == 0 else { return result }
    var parameters = self.parameters(result.greatest), carry = lanes_softmax_carry()
    forEachChunk { start, chunk, count in
      let skip = result.place &- start
      addTerms(.double, chunk, count, skip >= 0 && skip < count ? skip : -1, spread, &parameters, &carry)
    }
    result.others = sum(carry, 0)
    result.spread = spread ? sum(carry, 16) : 0
    return result
  }

  private func floatStatistics(_ spread: Bool) -> LogitStatistics {
    var result = LogitStatistics()
    var parameters = lanes_softmax(), unit = 1.0, hasNaN = false
    forEachChunk { start, chunk, count in
      let top = greatestLogit(.float, chunk, count)
      var skip = -1
      if top > result.greatest {
        if result.greatest > -.infinity, top < .infinity {
          // What was relative to the old greatest becomes so to the new one, and the old one is one of the others.
          let step = (top - result.greatest) / temperature
          let factor = exp(-step)
          result.spread = factor * (result.spread + (result.others + 1) * step)
          result.others = (result.others + 1) * factor
        }
        skip = placeOfLogit(.float, chunk, count, top)
        (result.greatest, result.place) = (top, start &+ skip)
        parameters = self.parameters(top)
        unit = self.unit(parameters)
      }
      if result.greatest == .infinity { return }
      if result.greatest == -.infinity {
        // Nothing but -infinity so far, or NaN.
        for index in upTo(count) where !(chunk.load(fromByteOffset: index &* 4, as: Float.self) < 0) { hasNaN = true }
        return
      }
      var carry = lanes_softmax_carry()
      addTerms(.float, chunk, count, skip, spread, &parameters, &carry)
      result.others += sum(carry, 0) / unit
      if spread { result.spread += sum(carry, 16) / unit }
    }
    if hasNaN { result.others = .nan }
    return result
  }

  private func sum(_ carry: lanes_softmax_carry, _ first: Int) -> Double {
    withUnsafeBytes(of: carry) { bytes in
      let words = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self) + first
      let low = ((words[8] + words[12]) + (words[9] + words[13])) + ((words[10] + words[14]) + (words[11] + words[15]))
      let high = ((words[0] + words[4]) + (words[1] + words[5])) + ((words[2] + words[6]) + (words[3] + words[7]))
      return high + low
    }
  }

  /// How the kernels make terms of this row. Floats near 0 are taken as they are; those far from it, whose differences
  /// are exact, less the greatest.
  func parameters(_ greatest: Double) -> lanes_softmax {
    var parameters = lanes_softmax()
    (parameters.temperature, parameters.greatest) = (temperature, greatest)
    if element == .float {
      parameters.shift = abs(greatest) > 4096 * temperature ? greatest : 0
      let powers = (greatest - parameters.shift) / temperature * 0x1.71547652b82fep+0
      parameters.exponent = (powers + 0x1.8p52) - 0x1.8p52
    }
    return parameters
  }

  /// The term of the greatest logit: 1, but for floats, whose unit is a power of two.
  func unit(_ parameters: lanes_softmax) -> Double {
    guard element == .float else { return 1 }
    let z = (parameters.greatest - parameters.shift) / temperature
    return exp((z - parameters.exponent * 0x1.62e42fefa38p-1) - parameters.exponent * 0x1.ef35793c76730p-45)
  }

  // MARK: - Outputs

  /// Writes `factor` p_j + `slope` p_j log(p_j / max p) - `offset` w_j, times the derivative of what caps the logits;
  /// w_j is 1 without `weights`.
  func writeTerms(
    _ statistics: LogitStatistics, factor: Double, slope: Double = 0, offset: Double = 0, weights: Row? = nil,
    to out: MutableRow
  ) {
    if isTooSmall(statistics) {
      return LogitRow(self, .double).writeTerms(
        statistics, factor: factor, slope: slope, offset: offset, weights: weights, to: out)
    }
    var parameters = self.parameters(statistics.greatest)
    let total = (1 + statistics.others) * unit(parameters)
    (parameters.factor, parameters.slope, parameters.offset) = (
      factor / total, slope / total, weights == nil ? offset : 0
    )
    write(to: out, isSloped: true, offset, offset == 0 ? nil : weights) { NepitMath.writeTerms(element, $1, $2, &parameters, $3) }
  }

  /// Writes log p_j.
  func writeLogProbabilities(_ statistics: LogitStatistics, to out: MutableRow) {
    if isTooSmall(statistics) { return LogitRow(self, .double).writeLogProbabilities(statistics, to: out) }
    var parameters = self.parameters(statistics.greatest)
    parameters.factor = statistics.logTerms
    write(to: out, isSloped: false, 0, nil) { NepitMath.writeDistances(element, &parameters, $1, $2, $3) }
  }

  // MARK: - With a number for each logit

  func weighting(_ statistics: LogitStatistics) -> lanes_weighting {
    var weighting = lanes_weighting()
    (weighting.temperature, weighting.greatest) = (temperature, statistics.greatest)
    return weighting
  }

  /// The sums of a kind, without the first of the greatest logit.
  func weightedSums(
    _ kind: lanes_weighting_kind, _ numbers: RowNumbers, _ statistics: LogitStatistics, _ weighting: lanes_weighting
  ) -> lanes_logit_sums {
    var weighting = weighting, sums = lanes_logit_sums(), room = row_chunk()
    withUnsafeMutableBytes(of: &room) { room in
      forEachChunk { start, chunk, count in
        let numbers = numbers.chunk(from: start, count: count, as: element, room.baseAddress.unsafelyUnwrapped)
        addWeighted(kind, element, chunk, numbers, count, statistics.place &- start, &weighting, &sums)
      }
    }
    return sums
  }

  /// Writes what `weighting` makes of each logit and its number, times the derivative of what caps the logits.
  func writeWeighted(_ weighting: lanes_weighting, _ numbers: RowNumbers, to out: MutableRow) {
    var weighting = weighting, room = row_chunk()
    withUnsafeMutableBytes(of: &room) { room in
      write(to: out, isSloped: true, 0, nil) { start, chunk, count, results in
        let numbers = numbers.chunk(from: start, count: count, as: element, room.baseAddress.unsafelyUnwrapped)
        NepitMath.writeWeighted(element, chunk, numbers, count, &weighting, results)
      }
    }
  }

  /// The sum of w_j (max z - z_j) over the columns; w_j is 1 without weights.
  func gaps(_ weights: Weights?, _ statistics: LogitStatistics) -> Double {
    var sum = WideSum()
    for column in upTo(count) {
      let weight = weights?[column] ?? 1
      if weight != 0 { sum.add(weight * (statistics.greatest - logit(column))) }
    }
    return sum.value / temperature
  }

  @inline(__always)
  private func write(
    to out: MutableRow, isSloped: Bool, _ offset: Double, _ weights: Row?,
    _ kernel: (Int, UnsafeRawPointer, Int, UnsafeMutableRawPointer) -> Void
  ) {
    if softcap == 0, weights == nil, out.isNative(element) {
      return forEachChunk { start, chunk, count in kernel(start, chunk, count, out.data + start &* out.type.size) }
    }
    var results = row_chunk()
    withUnsafeMutableBytes(of: &results) { results in
      let results = results.baseAddress.unsafelyUnwrapped
      forEachChunk { start, chunk, count in
        kernel(start, chunk, count, results)
        if element == .float {
          let words = results.assumingMemoryBound(to: Float.self)
          if let weights {
            for index in upTo(count) { words[index] -= Float(offset * weights.read(start &+ index)) }
          }
          out.write(results.assumingMemoryBound(to: Float.self), from: start, count: count)
        } else {
          let words = results.assumingMemoryBound(to: Double.self)
          if let weights { for index in upTo(count) { words[index] -= offset * weights.read(start &+ index) } }
          if isSloped, softcap != 0 { for index in upTo(count) { words[index] = words[index] * slope(start &+ index) + 0 } }
          out.write(UnsafePointer(words), from: start, count: count)
        }
      }
    }
  }
}

/// A number for each logit of a row: w_j (factor n_j + offset), with n_j the elements of another row.
struct RowNumbers {
  private let row: Row
  private let classes: Weights?
  var factor = 1.0, offset = 0.0

  init(_ row: Row, _ classes: Weights? = nil) { (self.row, self.classes) = (row, classes) }

  subscript(index: Int) -> Double { (classes?[index] ?? 1) * (factor * row.read(index) + offset) }

  /// Some of them as the kernels read them: where they lie, or in `room`.
  func chunk(
    from start: Int, count: Int, as element: lanes_element, _ room: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    if classes == nil, factor == 1, offset == 0 { return row.piece(from: start, count: count, as: element, room) }
    if element == .float {
      let words = room.assumingMemoryBound(to: Float.self)
      for index in upTo(count) { words[index] = Float(self[start &+ index]) }
    } else {
      let words = room.assumingMemoryBound(to: Double.self)
      for index in upTo(count) { words[index] = self[start &+ index] }
    }
    return UnsafeRawPointer(room)
  }
}

extension Row {
  func sum() -> Double {
    var sum = WideSum()
    for index in upTo(count) { sum.add(read(index)) }
    return sum.value
  }
}

extension MutableRow {
  func write(_ value: Double, at index: Int) { type.write(value + 0, data, index &* stride) }

  func write(_ values: UnsafePointer<Float>, from start: Int, count: Int) {
    if stride == 1, type == .bfloat16 || type == .float16 {
      return narrowFloats(
        type == .bfloat16, values, count, (data + start &* 2).assumingMemoryBound(to: UInt16.self))
    }
    let base = data + start &* stride &* type.size
    for index in upTo(count) { type.write(Double(values[index]), base, index &* stride) }
  }
}

// MARK: - Loops over rows

extension UnsafeMutablePointer<loss_block> {
  /// The sum of the blocks' losses.
  func total(of blocks: RowBlocks) -> lanes_pair {
    var total = lanes_pair.zero
    for block in upTo(blocks.count) { total = total + self[block].loss }
    return total
  }
}

/// A sum of doubles in two words.
struct WideSum {
  private var pair = lanes_pair.zero
  var value: Double { pair.value }
  mutating func add(_ x: Double) { pair = pair + lanes_pair(x) }
}

/// Work on the rows of a range, one after the other by `upTo(rows)`; it writes only what belongs to them and to its block.
protocol RowBlockTask {
  func run(_ block: Int, _ rows: Range<Int>)
}

/// How rows are shared out: at most 1024 blocks, whose extents depend on the numbers of rows and columns alone, so that
/// sums of blocks have the same bits for any number of threads.
struct RowBlocks {
  let rows, length: Int
  init(rows: Int, columns: Int) {
    self.rows = rows
    let most = max(1, (rows &+ 1023) / 1024)
    length = columns <= narrowColumns ? (max(most, 256) &+ 15) / 16 &* 16 : most
  }
  /// (The length is at least 1, which the compiler cannot know.)
  var count: Int { rows == 0 ? 0 : (rows &- 1) / max(1, length) &+ 1 }
  subscript(block: Int) -> Range<Int> {
    let start = block &* length
    return start..<max(start, min(rows, start &+ length))
  }
}

private struct RowBlockLoop<Task: RowBlockTask>: LoopBody {
  let blocks: RowBlocks
  let task: Task
  func run(_ block: Int) { task.run(block, blocks[block]) }
}

/// - Throws: `cancelled` if the monitor said so.
func forEachBlock<Task: RowBlockTask>(
  _ blocks: RowBlocks, columns: Int, _ execution: Execution, _ task: Task
) throws(CallError) {
  guard blocks.count > 0 else { return }
  let isSmall = blocks.rows &* columns < 1 << 15
  if isSmall, execution.monitor == nil {
    for block in upTo(blocks.count) { task.run(block, blocks[block]) }
    return
  }
  var team = Team(
    threads: isSmall ? 1 : execution.threads, monitor: execution.monitor, context: execution.context,
    environment: execution.environment)
  let isStopped = withUnsafeMutablePointer(to: &team) { team in
    loop(blocks.count, team, RowBlockLoop(blocks: blocks, task: task))
    return team.pointee.isStopped
  }
  if isStopped { throw .cancelled }
}
