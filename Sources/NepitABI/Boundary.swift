// Where the header's types become checked ones. Every check on arguments is
// made before any work, so that a call that fails has written nothing.

internal import CNepit
internal import Nepit

/// Runs an export's body in the default floating-point environment; an error becomes its status.
@inline(__always)
func call(_ body: (_ environment: UInt32) throws(CallError) -> Void) -> nepit_status {
  do throws(CallError) {
    try inDefaultEnvironment(body)
    return NEPIT_OK
  } catch {
    return error.rawValue
  }
}

extension Matrix {
  init(_ array: nepit_array) throws(CallError) {
    guard let type = ElementType(rawValue: array.dtype) else { throw .elementType }
    self = try Matrix(
      array.data, rows: UInt(bitPattern: array.rows), columns: UInt(bitPattern: array.cols), rowStride: array.row_stride,
      columnStride: array.col_stride, type: type)
  }
}

extension Matrix {
  /// Logits: of a floating-point type.
  static func logits(_ array: nepit_array) throws(CallError) -> Matrix {
    guard let type = ElementType(rawValue: array.dtype), type.isWritable else { throw .elementType }
    return try Matrix(array)
  }

  /// Optional labels, int32 or int64: absent without data.
  static func labels(_ array: nepit_array) throws(CallError) -> Matrix? {
    guard array.data != nil else { return nil }
    guard array.dtype == NEPIT_I32 || array.dtype == NEPIT_I64 else { throw .elementType }
    return try Matrix(array)
  }
}

extension MutableMatrix {
  init(_ array: nepit_mutable_array) throws(CallError) {
    guard let type = ElementType(rawValue: array.dtype) else { throw .elementType }
    self = try MutableMatrix(
      array.data, rows: UInt(bitPattern: array.rows), columns: UInt(bitPattern: array.cols), rowStride: array.row_stride,
      columnStride: array.col_stride, type: type)
  }

  /// An optional output: absent without data.
  static func optional(_ array: nepit_mutable_array) throws(CallError) -> MutableMatrix? {
    array.data == nil ? nil : try MutableMatrix(array)
  }
}

extension Execution {
  init(_ record: UnsafePointer<nepit_execution>?, _ environment: UInt32) throws(CallError) {
    guard let record else {
      self = .inline
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_execution>.size else { throw .size }
    self = try Execution(
      threads: Int(record.pointee.threads), monitor: record.pointee.monitor, context: record.pointee.context
    ).monitored(in: environment)
  }
}

extension Matrix {
  /// An optional input: absent without data.
  static func optional(_ array: nepit_array) throws(CallError) -> Matrix? {
    array.data == nil ? nil : try Matrix(array)
  }
}
