// What a matrix may be, and how a long row is cut.

import Testing

@testable import Nepit

@Suite("Matrices")
struct MatrixTests {
  private let room = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)

  /// nil if it is accepted.
  private func matrix(
    _ rows: UInt, _ columns: UInt, _ rowStride: Int, _ columnStride: Int, _ type: ElementType = .float64, data: Int? = 0
  ) -> CallError? {
    do throws(CallError) {
      _ = try Matrix(
        data.map { room + $0 }, rows: rows, columns: columns, rowStride: rowStride, columnStride: columnStride,
        type: type)
      return nil
    } catch {
      return error
    }
  }

  private func mutable(
    _ rows: UInt, _ columns: UInt, _ rowStride: Int, _ columnStride: Int, _ type: ElementType = .float64, data: Int? = 0
  ) -> CallError? {
    do throws(CallError) {
      _ = try MutableMatrix(
        data.map { room + $0 }, rows: rows, columns: columns, rowStride: rowStride, columnStride: columnStride,
        type: type)
      return nil
    } catch {
      return error
    }
  }

  @Test("extents and strides that are read")
  func reading() {
    let most = UInt(Int.max)
    #expect(matrix(3, 4, 4, 1) == nil)
    #expect(matrix(3, 4, 0, 1) == nil, "one row, repeated")
    #expect(matrix(3, 4, 0, 0) == nil, "one element, repeated")
    #expect(matrix(3, 4, -4, -1) == nil)
    #expect(matrix(0, 4, 4, 1) == nil)
    #expect(matrix(0, 4, 4, 1, data: nil) == nil)
    #expect(matrix(3, 4, 4, 1, data: nil) == .null)
    #expect(matrix(3, 0, 4, 1) == .shape)
    #expect(matrix(0, 0, 4, 1, data: nil) == .shape)
    #expect(matrix(.max, 1, 0, 0) == .shape)
    #expect(matrix(1, .max, 0, 0) == .shape)
    #expect(matrix(most / 8, 1, 0, 0) == nil)
    #expect(matrix(most / 8 + 1, 1, 0, 0) == .shape, "no memory has so many results")
    #expect(matrix(1, most / 8, 0, 0) == nil)
    #expect(matrix(1, most / 8 + 1, 0, 0) == .shape, "more elements than an array of doubles can have")
    #expect(matrix(most / 2 + 1, 2, 0, 0) == .shape, "the product overflows")
    #expect(matrix(1 << 32, 1 << 32, 0, 0) == .shape)
    #expect(matrix(0, most, .max, .max) == nil, "no element has an address to overflow")
    #expect(matrix(3, 1, .max, 1) == .shape)
    #expect(matrix(3, 1, .min, 1) == .shape)
    #expect(matrix(1, 3, 1, .max) == .shape)
    #expect(matrix(1, 3, 1, .min) == .shape)
    #expect(matrix(1, 1, .max, .max) == nil, "strides that are not taken")
    #expect(matrix(1, 1, .min, .min) == nil)
    #expect(matrix(2, 1, .max / 8 - 1, 1) == nil)
    #expect(matrix(2, 1, .max / 8, 1) == .shape, "more bytes than an object has")
    #expect(matrix(2, 1, 1 - .max / 8, 1) == nil)
    #expect(matrix(2, 1, -(.max / 8), 1) == .shape)
    #expect(matrix(2, 1, .max - 1, 1, .uint8) == nil)
    #expect(matrix(2, 1, .max, 1, .uint8) == .shape)
    #expect(matrix(2, 2, .max / 2, .max / 2 - 1, .uint8) == nil)
    #expect(matrix(2, 2, .max / 2 + 1, .max / 2 + 1, .uint8) == .shape)
    #expect(matrix(2, 2, .max / 2 + 1, -(.max / 2) - 1, .uint8) == .shape)
  }

  @Test("elements are aligned to their own size")
  func alignment() {
    for (type, size) in [
      (.float64, 8), (.int64, 8), (.uint64, 8), (.float32, 4), (.int32, 4), (.uint32, 4), (.float16, 2), (.bfloat16, 2),
      (.int16, 2), (.uint16, 2), (.int8, 1), (.uint8, 1),
    ] as [(ElementType, Int)] {
      #expect(type.size == size)
      #expect(type.byteCount == size)
      for offset in 0..<8 {
        #expect(matrix(2, 2, 2, 1, type, data: offset) == (offset % size == 0 ? nil : .shape))
      }
    }
  }

  @Test("extents and strides that are written")
  func writing() {
    #expect(mutable(3, 4, 4, 1) == nil)
    #expect(mutable(3, 4, 1, 3) == nil, "columns")
    #expect(mutable(3, 4, -4, -1) == nil)
    #expect(mutable(3, 4, 4, -1) == nil)
    #expect(mutable(3, 4, 20, 5) == nil, "gaps")
    #expect(mutable(1, 4, 0, 1) == nil)
    #expect(mutable(3, 1, 1, 0) == nil)
    #expect(mutable(0, 4, 0, 0) == nil)
    #expect(mutable(0, 4, 0, 0, data: nil) == nil)
    #expect(mutable(3, 4, 4, 1, data: nil) == .null)
    #expect(mutable(3, 4, 0, 1) == .shape)
    #expect(mutable(3, 4, 4, 0) == .shape)
    #expect(mutable(3, 4, 3, 1) == .shape)
    #expect(mutable(3, 4, 1, 1) == .shape)
    #expect(mutable(3, 4, 1, 2) == .shape)
    #expect(mutable(3, 4, -3, 1) == .shape)
    #expect(mutable(.max, 1, 1, 1) == .shape)
    #expect(mutable(1 << 62, 4, 4, 1) == .shape)
    for type in [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64] as [ElementType] {
      #expect(mutable(3, 4, 4, 1, type) == .elementType)
    }
    for type in [.float64, .float32, .float16, .bfloat16] as [ElementType] {
      #expect(mutable(3, 4, 4, 1, type) == nil)
    }
  }

  /// Counted one by one: also strides that interleave without meeting, like 3 and 2 for 2 x 3.
  @Test("no two elements that are written share memory")
  func overlap() {
    for rows in 1...4 {
      for columns in 1...4 {
        for rowStride in -13...13 {
          for columnStride in -13...13 {
            var seen: Set<Int> = []
            for row in 0..<rows { for column in 0..<columns { seen.insert(row * rowStride + column * columnStride) } }
            let isApart = seen.count == rows * columns
            let error = mutable(UInt(rows), UInt(columns), rowStride, columnStride, data: 2048)
            let what = "\(rows) x \(columns), strides \(rowStride), \(columnStride)"
            guard check(error == (isApart ? nil : .shape), "\(what): \(error == nil ? "" : "not ")accepted")
            else { return }
          }
        }
      }
    }
  }

  @Test("rows that go together")
  func counts() throws {
    func matrix(_ rows: UInt, _ columns: UInt) throws -> Matrix {
      try Matrix(room, rows: rows, columns: columns, rowStride: 0, columnStride: 0, type: .float64)
    }
    for (p, q, count) in [
      ((3, 4), (3, 4), 3), ((1, 4), (3, 4), 3), ((3, 4), (1, 4), 3), ((1, 4), (0, 4), 0), ((0, 4), (0, 4), 0),
      ((1, 4), (1, 4), 1),
    ] as [((UInt, UInt), (UInt, UInt), Int)] {
      #expect(try resultCount(matrix(p.0, p.1), matrix(q.0, q.1)) == count)
    }
    for (p, q) in [
      ((3, 4), (3, 5)), ((2, 4), (3, 4)), ((0, 4), (3, 4)), ((1, 4), (1, 3)),
    ] as [((UInt, UInt), (UInt, UInt))] {
      #expect(throws: CallError.shape) { try resultCount(matrix(p.0, p.1), matrix(q.0, q.1)) }
    }
  }

  @Test("a span that is written is a matrix of one row")
  func writtenSpan() throws {
    var values = [1.0, 2, 3]
    var span = values.mutableSpan
    let matrix = try MutableMatrix(&span)
    let extents = (matrix.rows, matrix.columns, matrix.type)
    #expect(extents == (1, 3, .float64))
  }

  /// At most 64, each but the last a multiple of a block, all of them the whole.
  @Test("segments")
  func segments() {
    let long = [1 << 21, (1 << 21) + 1, 3_000_017, 1 << 40, .max >> 4, .max >> 3]
    for total in edgeSizes + long + [200_001, 65536, 98304, 98305] {
      let segments = Segments(total)
      var end = 0
      for index in 0..<segments.count {
        let range = segments[index]
        check(range.lowerBound == end && !range.isEmpty, "\(total): segment \(index) is \(range)")
        check(index == segments.count - 1 || range.count % 64 == 0, "\(total): segment \(index) is \(range)")
        end = range.upperBound
      }
      #expect(end == total)
      #expect(segments.count <= 64)
      if total <= 1 << 15 { #expect(segments.count == 1) }
    }
  }
}
