// Borrowed memory, checked once: every later index is inside it.

/// A borrowed, read-only matrix; its rows are independent problems. The twin of `nepit_array`.
public struct Matrix {
  let data: UnsafeRawPointer
  public let rows, columns: Int
  let rowStride, columnStride: Int
  let type: ElementType

  /// - Throws: `shape` for extents or strides that no memory can have, or no columns; `null` for no memory.
  public init(
    _ data: UnsafeRawPointer?, rows: UInt, columns: UInt, rowStride: Int, columnStride: Int, type: ElementType
  ) throws(CallError) {
    guard columns > 0 else { throw .shape }
    let extent = try checkedExtent(rows, columns, rowStride, columnStride, type)
    guard let data = data ?? (rows == 0 ? UnsafeRawPointer(bitPattern: 64) : nil) else { throw .null }
    guard UInt(bitPattern: data) & UInt(bitPattern: type.size &- 1) == 0 else { throw .shape }
    self.data = data
    (self.rows, self.columns) = extent
    (self.rowStride, self.columnStride, self.type) = (rowStride, columnStride, type)
  }

  /// One row over a span's elements.
  init(_ span: borrowing Span<Double>) throws(CallError) {
    self = try Matrix(
      span.withUnsafeBufferPointer { UnsafeRawPointer($0.baseAddress) }, rows: 1, columns: UInt(span.count),
      rowStride: 0, columnStride: 1, type: .float64)
  }

  func row(_ index: Int) -> Row {
    Row(data + index &* rowStride &* type.size, columns == 1 ? 1 : columnStride, columns, type)
  }

  /// Its only row, so many times.
  ///
  /// - Throws: `shape` where it has another number of rows.
  func repeated(_ count: Int) throws(CallError) -> Matrix {
    guard rows == 1 else { throw .shape }
    return try Matrix(
      data, rows: UInt(bitPattern: count), columns: UInt(bitPattern: columns), rowStride: 0, columnStride: columnStride,
      type: type)
  }
}

/// A borrowed matrix that is written; no two of its elements share memory. The twin of `nepit_mutable_array`.
public struct MutableMatrix {
  let data: UnsafeMutableRawPointer
  public let rows, columns: Int
  let rowStride, columnStride: Int
  let type: ElementType

  /// - Throws: `shape` as for `Matrix` and where elements overlap, `elementType` for integers, `null` for no memory.
  public init(
    _ data: UnsafeMutableRawPointer?, rows: UInt, columns: UInt, rowStride: Int, columnStride: Int, type: ElementType
  ) throws(CallError) {
    guard type.isWritable else { throw .elementType }
    let extent = try checkedExtent(rows, columns, rowStride, columnStride, type)
    guard !overlaps(extent.0, extent.1, rowStride, columnStride) else { throw .shape }
    let isEmpty = rows == 0 || columns == 0
    guard let data = data ?? (isEmpty ? UnsafeMutableRawPointer(bitPattern: 64) : nil) else { throw .null }
    guard UInt(bitPattern: data) & UInt(bitPattern: type.size &- 1) == 0 else { throw .shape }
    self.data = data
    (self.rows, self.columns) = extent
    (self.rowStride, self.columnStride, self.type) = (rowStride, columnStride, type)
  }

  /// One row over a span's elements.
  init(_ span: inout MutableSpan<Double>) throws(CallError) {
    let count = span.count
    self = try MutableMatrix(
      span.withUnsafeMutableBufferPointer { UnsafeMutableRawPointer($0.baseAddress) }, rows: 1, columns: UInt(count),
      rowStride: 0, columnStride: 1, type: .float64)
  }

  func hasExtent(of matrix: Matrix) -> Bool { rows == matrix.rows && columns == matrix.columns }

  func row(_ index: Int) -> MutableRow {
    MutableRow(
      data: data + index &* rowStride &* type.size, stride: columns == 1 ? 1 : columnStride, count: columns, type: type)
  }
}

/// The extents as signed numbers, if every element has an address.
private func checkedExtent(
  _ rows: UInt, _ columns: UInt, _ rowStride: Int, _ columnStride: Int, _ type: ElementType
) throws(CallError) -> (Int, Int) {
  guard let rows = Int(exactly: rows), let columns = Int(exactly: columns) else { throw .shape }
  // Strides of 0 make many elements of few; no more of them than an array of doubles could have.
  let elements = rows.multipliedReportingOverflow(by: columns)
  guard !elements.overflow, elements.partialValue <= Int.max / 8 else { throw .shape }
  guard rows > 0, columns > 0 else { return (rows, columns) }
  // A result for each row must have an address, and the whole of the elements no more bytes than an object can have.
  let down = rowStride.magnitude.multipliedReportingOverflow(by: UInt(bitPattern: rows &- 1))
  let across = columnStride.magnitude.multipliedReportingOverflow(by: UInt(bitPattern: columns &- 1))
  let all = down.partialValue.addingReportingOverflow(across.partialValue)
  let most = UInt(Int.max) &>> UInt(bitPattern: type.sizeExponent)
  guard rows <= Int.max / 8, !down.overflow, !across.overflow, !all.overflow, all.partialValue < most
  else { throw .shape }
  return (rows, columns)
}

/// Whether two elements might share memory: a stride of 0, or the shorter stride's run reaching the longer stride.
private func overlaps(_ rows: Int, _ columns: Int, _ rowStride: Int, _ columnStride: Int) -> Bool {
  if rows == 0 || columns == 0 { return false }
  let row = rowStride.magnitude, column = columnStride.magnitude
  if (rows > 1 && row == 0) || (columns > 1 && column == 0) { return true }
  if rows == 1 || columns == 1 { return false }
  // Elements meet where a step of so many rows and columns leads nowhere; the shortest such step is by lcm(row, column).
  var (divisor, rest) = (row, column)
  while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
  let common = max(1, divisor)    // it is at least 1, which the compiler cannot know
  return column / common < UInt(bitPattern: rows) && row / common < UInt(bitPattern: columns)
}
