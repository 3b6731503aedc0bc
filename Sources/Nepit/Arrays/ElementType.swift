internal import CSystem
internal import NepitMath

/// The type of an array's elements; the raw values are the header's.
public enum ElementType: Int32, Sendable {
  case float64 = 1
  case float32, float16, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64

  var size: Int { 1 &<< sizeExponent }

  /// The size is 2 to this: no division by it.
  var sizeExponent: Int {
    switch self {
    case .int8, .uint8: 0
    case .float16, .bfloat16, .int16, .uint16: 1
    case .float32, .int32, .uint32: 2
    case .float64, .int64, .uint64: 3
    }
  }

  /// Whether terms need no more than float's precision: its bound is the header's for small floats.
  var isCoarse: Bool { self == .float32 || self == .float16 || self == .bfloat16 }

  public var isWritable: Bool { rawValue <= ElementType.bfloat16.rawValue }

  /// The element at `data + index`, as a double.
  @inline(__always)
  func read(_ data: UnsafeRawPointer, _ index: Int) -> Double {
    switch self {
    case .float64: data.load(fromByteOffset: index &* 8, as: Double.self)
    case .float32: Double(data.load(fromByteOffset: index &* 4, as: Float.self))
    case .float16: lanes_from_half(data.load(fromByteOffset: index &* 2, as: UInt16.self))
    case .bfloat16: lanes_from_bfloat(data.load(fromByteOffset: index &* 2, as: UInt16.self))
    case .int8: Double(data.load(fromByteOffset: index, as: Int8.self))
    case .int16: Double(data.load(fromByteOffset: index &* 2, as: Int16.self))
    case .int32: Double(data.load(fromByteOffset: index &* 4, as: Int32.self))
    case .int64: Double(data.load(fromByteOffset: index &* 8, as: Int64.self))
    case .uint8: Double(data.load(fromByteOffset: index, as: UInt8.self))
    case .uint16: Double(data.load(fromByteOffset: index &* 2, as: UInt16.self))
    case .uint32: Double(data.load(fromByteOffset: index &* 4, as: UInt32.self))
    case .uint64: Double(data.load(fromByteOffset: index &* 8, as: UInt64.self))
    }
  }

  /// Rounds `value` to the type and stores it.
  @inline(__always)
  func write(_ value: Double, _ data: UnsafeMutableRawPointer, _ index: Int) {
    switch self {
    case .float64: data.storeBytes(of: value, toByteOffset: index &* 8, as: Double.self)
    case .float32: data.storeBytes(of: Float(value), toByteOffset: index &* 4, as: Float.self)
    case .float16: data.storeBytes(of: lanes_to_half(value), toByteOffset: index &* 2, as: UInt16.self)
    case .bfloat16: data.storeBytes(of: lanes_to_bfloat(value), toByteOffset: index &* 2, as: UInt16.self)
    default: break
    }
  }

  /// Reads `count` elements, `stride` apart, as doubles.
  func read(_ data: UnsafeRawPointer, stride: Int, count: Int, into out: UnsafeMutablePointer<Double>) {
    // The switch outside, or it would be taken for each element.
    switch self {
    case .float64: ElementType.float64.copy(data, stride, count, out)
    case .float32: ElementType.float32.copy(data, stride, count, out)
    case .float16: ElementType.float16.copy(data, stride, count, out)
    case .bfloat16: ElementType.bfloat16.copy(data, stride, count, out)
    case .int8: ElementType.int8.copy(data, stride, count, out)
    case .int16: ElementType.int16.copy(data, stride, count, out)
    case .int32: ElementType.int32.copy(data, stride, count, out)
    case .int64: ElementType.int64.copy(data, stride, count, out)
    case .uint8: ElementType.uint8.copy(data, stride, count, out)
    case .uint16: ElementType.uint16.copy(data, stride, count, out)
    case .uint32: ElementType.uint32.copy(data, stride, count, out)
    case .uint64: ElementType.uint64.copy(data, stride, count, out)
    }
  }

  @inline(__always)
  private func copy(_ data: UnsafeRawPointer, _ stride: Int, _ count: Int, _ out: UnsafeMutablePointer<Double>) {
    for index in upTo(count) { out[index] = read(data, index &* stride) }
  }

  /// Reads `count` elements of a small float type, `stride` apart, as floats.
  func readFloats(_ data: UnsafeRawPointer, stride: Int, count: Int, into out: UnsafeMutablePointer<Float>) {
    switch self {
    case .float32:
      for index in upTo(count) { out[index] = data.load(fromByteOffset: index &* stride &* 4, as: Float.self) }
    default:
      for index in upTo(count) { out[index] = Float(read(data, index &* stride)) }
    }
  }
}
