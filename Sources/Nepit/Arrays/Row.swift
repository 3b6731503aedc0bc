internal import CSystem
internal import NepitMath

/// One row of a matrix: a distribution, once it is normalised.
struct Row {
  let data: UnsafeRawPointer
  let stride: Int
  let count: Int
  let type: ElementType

  @inline(__always)
  init(_ data: UnsafeRawPointer, _ stride: Int, _ count: Int, _ type: ElementType) {
    (self.data, self.stride, self.count, self.type) = (data, stride, count, type)
  }

  @inline(__always)
  func pointer(_ index: Int) -> UnsafeRawPointer { data + index &* stride &* type.size }

  /// Whether the kernels can read it where it lies, as elements of the given type.
  @inline(__always)
  func isNative(_ element: lanes_element) -> Bool {
    stride == 1 && (element == .double ? type == .float64 : type == .float32)
  }

  /// Whether both are the same elements of the same memory; the same bytes may be read as two types.
  @inline(__always)
  func isSame(as other: Row) -> Bool { data == other.data && stride == other.stride && type == other.type }

  func read(_ index: Int) -> Double { type.read(data, index &* stride) }

  /// The only element, of a signed type of 32 or 64 bits: exact, which a double would not be.
  func integer() -> Int {
    type == .int32 ? Int(data.load(as: Int32.self)) : Int(data.load(as: Int64.self))
  }

  /// Elements from `start` as the kernels read them: where they lie, or copied into `buffer`.
  @inline(__always)
  func piece(
    from start: Int, count: Int, as element: lanes_element, _ buffer: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    if isNative(element) { return pointer(start) }
    switch element {
    case .double:
      type.read(pointer(start), stride: stride, count: count, into: buffer.assumingMemoryBound(to: Double.self))
    case .float:
      type.readFloats(pointer(start), stride: stride, count: count, into: buffer.assumingMemoryBound(to: Float.self))
    @unknown default: break
    }
    return UnsafeRawPointer(buffer)
  }

  /// Whether an element is less than 0; asked when a sign bit was met, which -0 has too.
  func hasNegative() -> Bool {
    for index in upTo(count) where read(index) < 0 { return true }
    return false
  }
}

/// One row of a matrix that is written.
struct MutableRow {
  let data: UnsafeMutableRawPointer
  let stride: Int
  let count: Int
  let type: ElementType

  /// Whether the kernels can write it where it lies, as elements of the given type.
  @inline(__always)
  func isNative(_ element: lanes_element) -> Bool {
    stride == 1 && type == (element == .double ? .float64 : .float32)
  }

  func write(_ values: UnsafePointer<Double>, from start: Int, count: Int) {
    let base = data + start &* stride &* type.size
    for index in upTo(count) { type.write(values[index], base, index &* stride) }
  }

  func fill(_ value: Double) {
    for index in upTo(count) { type.write(value, data, index &* stride) }
  }
}

/// How many elements are copied at a time when they cannot be read in place; a multiple of 64.
let pieceLength = 256

/// A long row is added up in at most 64 segments, whose number and length depend on its length alone.
struct Segments {
  let count: Int
  private let length, total: Int

  init(_ total: Int) {
    self.total = total
    // Multiples of 64, at least 2^15 long.
    length = max(1 << 15, ((total &- 1) / 64 / 64 &+ 1) &* 64)
    count = (total &- 1) / length &+ 1
  }

  subscript(index: Int) -> Range<Int> {
    let start = index &* length
    return start..<max(start, min(total, start &+ length))
  }
}

/// One or two rows, and who adds them up.
struct Rows {
  let p, q: Row
  /// Who works on a long row; nil where rows are shared out instead.
  let team: UnsafeMutablePointer<Team>?
  /// The neighbours that were read together with it, where they were, and which of them it is.
  private let neighbours: UnsafeMutablePointer<Neighbours>?
  private let index: Int

  @inline(__always)
  init(_ p: Row, _ q: Row, _ team: UnsafeMutablePointer<Team>?) {
    (self.p, self.q, self.team) = (p, q, team)
    (neighbours, index) = (nil, 0)
  }

  init(_ p: Row, _ q: Row, among neighbours: UnsafeMutablePointer<Neighbours>, at index: Int) {
    (self.p, self.q, team) = (p, q, nil)
    (self.neighbours, self.index) = (neighbours, index)
  }

  var reversed: Rows { Rows(q, p, team) }

  /// Whether both are of small floats, which the kernels read as floats.
  @inline(__always)
  var isCoarse: Bool { p.type.isCoarse && q.type.isCoarse }

  /// The rows' sums of a reduction. The same bits for any layout and any team.
  @inline(__always)
  func sum(
    _ reduction: lanes_reduction, _ parameters: UnsafePointer<lanes_parameters>, _ out: inout lanes_sums
  ) {
    if let neighbours { return neighbours.pointee.sum(reduction, parameters, index, &out) }
    let element: lanes_element = isCoarse ? .float : .double
    if p.count <= 1 << 15, p.isNative(element), q.isNative(element) {
      NepitMath.reduce(reduction, element, p.data, q.data, p.count, parameters, nil, true, &out)
    } else {
      sumInPieces(reduction, element, parameters, &out)
    }
  }

  func sum(_ reduction: lanes_reduction, _ parameters: lanes_parameters) -> lanes_sums {
    var sums = lanes_sums()
    var parameters = parameters
    sum(reduction, &parameters, &sums)
    return sums
  }

  @inline(never)
  private func sumInPieces(
    _ reduction: lanes_reduction, _ element: lanes_element, _ parameters: UnsafePointer<lanes_parameters>,
    _ out: inout lanes_sums
  ) {
    let segments = Segments(p.count)
    if segments.count == 1 {
      return withUnsafeMutablePointer(to: &out) {
        SegmentSum(
          rows: self, segments: segments, reduction: reduction, element: element, parameters: parameters, parts: $0
        ).run(0)
      }
    }
    var parts = row_segments()
    withUnsafeMutablePointer(to: &parts) { memory in
      let parts = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: lanes_sums.self)
      let body = SegmentSum(
        rows: self, segments: segments, reduction: reduction, element: element, parameters: parameters, parts: parts)
      if let team {
        loop(segments.count, team, body)
      } else {
        for index in upTo(segments.count) { body.run(index) }
      }
      out = parts[0]
      for index in upTo(segments.count, from: 1) {
        out.a = out.a + parts[index].a
        out.b = out.b + parts[index].b
        out.c = out.c + parts[index].c
        out.d = out.d + parts[index].d
        out.greatest_p = max(out.greatest_p, parts[index].greatest_p)
        out.greatest_q = max(out.greatest_q, parts[index].greatest_q)
        out.signs_p |= parts[index].signs_p
        out.signs_q |= parts[index].signs_q
      }
    }
  }
}

private struct SegmentSum: LoopBody {
  let rows: Rows
  let segments: Segments
  let reduction: lanes_reduction
  let element: lanes_element
  let parameters: UnsafePointer<lanes_parameters>
  let parts: UnsafeMutablePointer<lanes_sums>

  func run(_ index: Int) {
    let range = segments[index]
    let (p, q) = (rows.p, rows.q)
    if p.isNative(element), q.isNative(element) {
      return NepitMath.reduce(
        reduction, element, p.pointer(range.lowerBound), q.pointer(range.lowerBound), (range.upperBound &- range.lowerBound), parameters, nil,
        true, parts + index)
    }
    var carry = lanes_carry()
    var buffers = row_buffers()
    withUnsafeMutablePointer(to: &buffers) { memory in
      let buffers = UnsafeMutableRawPointer(memory)
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(pieceLength, range.upperBound &- start)
        let first = p.piece(from: start, count: count, as: element, buffers)
        // One row twice is read once.
        let second =
          p.isSame(as: q)
          ? first : q.piece(from: start, count: count, as: element, buffers + pieceLength * 8)
        NepitMath.reduce(
          reduction, element, first, second, count, parameters, &carry, start &+ count == range.upperBound,
          parts + index)
        start &+= count
      }
    }
  }
}

// MARK: - Element by element

extension Rows {
  /// Writes a map of the rows to one or two rows, either of which may be absent.
  func map(_ map: lanes_map, _ parameters: lanes_parameters, to first: MutableRow?, _ second: MutableRow? = nil) {
    let segments = Segments(p.count)
    var parameters = parameters
    withUnsafePointer(to: &parameters) { parameters in
      let body = SegmentMap(
        rows: self, segments: segments, map: map, parameters: parameters, first: first, second: second)
      if let team, segments.count > 1 {
        loop(segments.count, team, body)
      } else {
        for index in upTo(segments.count) { body.run(index) }
      }
    }
  }
}

private struct SegmentMap: LoopBody {
  let rows: Rows
  let segments: Segments
  let map: lanes_map
  let parameters: UnsafePointer<lanes_parameters>
  let first, second: MutableRow?

  func run(_ index: Int) {
    let range = segments[index]
    var buffers = row_buffers()
    withUnsafeMutablePointer(to: &buffers) { memory in
      let words = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(pieceLength, range.upperBound &- start)
        let p = rows.p.piece(from: start, count: count, as: .double, words)
        let q =
          rows.p.isSame(as: rows.q)
          ? p : rows.q.piece(from: start, count: count, as: .double, words + pieceLength)
        NepitMath.map(
          map, p.assumingMemoryBound(to: Double.self), q.assumingMemoryBound(to: Double.self), count, parameters,
          words + 2 * pieceLength, words + 3 * pieceLength)
        first?.write(words + 2 * pieceLength, from: start, count: count)
        second?.write(words + 3 * pieceLength, from: start, count: count)
        start &+= count
      }
    }
  }
}
