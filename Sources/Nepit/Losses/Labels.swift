internal import NepitMath

/// Which outcome each row has: integers of 32 or 64 bits, one a row.
public struct Labels {
  private let data: UnsafeRawPointer
  private let stride: Int
  private let isLong: Bool
  let count: Int

  /// - Throws: `elementType` for other than 32- or 64-bit integers, `shape` for more than one row and column.
  public init(_ matrix: Matrix) throws(CallError) {
    guard matrix.type == .int32 || matrix.type == .int64 else { throw .elementType }
    guard matrix.columns == 1 || matrix.rows == 1 else { throw .shape }
    (data, isLong) = (matrix.data, matrix.type == .int64)
    (count, stride) =
      matrix.columns == 1 ? (matrix.rows, matrix.rowStride) : (matrix.columns, matrix.columnStride)
  }

  @inline(__always)
  subscript(row: Int) -> Int64 {
    isLong
      ? data.load(fromByteOffset: row &* stride &* 8, as: Int64.self)
      : Int64(data.load(fromByteOffset: row &* stride &* 4, as: Int32.self))
  }
}

/// A number for each row, or for each column.
struct Weights {
  private let row: Row

  /// A row or a column of `count` elements.
  init(_ matrix: Matrix, count: Int) throws(CallError) {
    if matrix.columns == 1, matrix.rows == count {
      row = Row(matrix.data, matrix.rowStride, count, matrix.type)
    } else if matrix.rows == 1, matrix.columns == count {
      row = matrix.row(0)
    } else {
      throw .shape
    }
  }

  /// A row of `count` elements.
  init(columns matrix: Matrix, count: Int) throws(CallError) {
    guard matrix.rows == 1, matrix.columns == count else { throw .shape }
    row = matrix.row(0)
  }

  var asRow: Row { row }

  @inline(__always)
  subscript(index: Int) -> Double { row.read(index) }
}

/// The sum of `count` weights, each 1 where there are none.
func total(_ weights: Weights?, count: Int) -> Double {
  guard let weights else { return Double(count) }
  var sum = WideSum()
  for index in upTo(count) { sum.add(weights[index]) }
  return sum.value
}

/// How the rows' losses become one.
public enum Reduction: Int32, Sendable {
  case sum = 0
  case mean
}
