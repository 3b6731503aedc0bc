// The shape of every kernel: terms are computed 8 or 16 side by side, as the
// machine has registers, and added in 8 lanes in a fixed order, so results do
// not depend on the instruction set; see docs/kernels.md.

import CSystem

/// 8 doubles, or 16 with AVX-512.
typealias Lanes = lanes_f64
typealias LaneBits = lanes_i64
typealias FloatLanes = lanes_f32
typealias FloatBits = lanes_i32
typealias Mask = SIMDMask<LaneBits>
/// The lanes of a sum.
typealias Eight = lanes_eight
typealias EightBits = SIMD8<Int64>

/// How many elements a vector of lanes holds.
let laneCount = MemoryLayout<Lanes>.size / 8

/// a · b + c, rounded once.
@inline(__always)
func fma(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { lanes_fma(a, b, c) }

@inline(__always)
func fma(_ a: Lanes, _ b: Double, _ c: Lanes) -> Lanes { lanes_fma(a, Lanes(repeating: b), c) }

@inline(__always)
func fma(_ a: Lanes, _ b: Lanes, _ c: Double) -> Lanes { lanes_fma(a, b, Lanes(repeating: c)) }

@inline(__always)
func bits(_ x: Lanes) -> LaneBits { unsafeBitCast(x, to: LaneBits.self) }

@inline(__always)
func lanes(_ x: LaneBits) -> Lanes { unsafeBitCast(x, to: Lanes.self) }

@inline(__always)
func logicalShift(_ x: LaneBits, right count: UInt64) -> LaneBits {
  lanes_shift_right(x, Int64(bitPattern: count))
}

@inline(__always)
func select(_ mask: Mask, _ yes: Lanes, _ no: Lanes) -> Lanes {
  lanes_select(unsafeBitCast(mask, to: LaneBits.self), yes, no)
}

@inline(__always)
func select(_ mask: Mask, _ yes: Double, _ no: Lanes) -> Lanes { select(mask, Lanes(repeating: yes), no) }

/// The lesser of each pair; the limit where x is NaN.
@inline(__always)
func limited(_ x: Lanes, to limit: Double) -> Lanes {
  let limit = Lanes(repeating: limit)
  return limit.replacing(with: x, where: x .< limit)
}

/// The greater of each pair; `best` where x is NaN.
@_transparent
func greater(_ best: Lanes, _ x: Lanes) -> Lanes { best.replacing(with: x, where: x .> best) }

@inline(__always)
func magnitude(_ x: Lanes) -> Lanes { lanes(bits(x) & LaneBits(repeating: 0x7fff_ffff_ffff_ffff)) }

/// Adds `x` to the compensated sum `high + low` (Knuth's two-sum: no order of magnitude is assumed).
@_transparent
func compensate<V: SIMD>(_ x: V, _ high: inout V, _ low: inout V) where V.Scalar == Double {
  let sum = high + x
  let part = sum - high
  low += (high - (sum - part)) + (x - part)
  high = sum
}

// MARK: - Vectors and numbers

// Swift's own operators between a vector and a number are generic over all vectors; where much code meets in one
// function the compiler leaves them as loops over the lanes, a hundred bytes and some fifty cycles each. (One writer of
// floats had 70 kB of them.) These are for the vectors of this module, and become one instruction always.

@_transparent
func + (a: Lanes, b: Double) -> Lanes { a + Lanes(repeating: b) }
@_transparent
func + (a: Double, b: Lanes) -> Lanes { Lanes(repeating: a) + b }
@_transparent
func - (a: Lanes, b: Double) -> Lanes { a - Lanes(repeating: b) }
@_transparent
func - (a: Double, b: Lanes) -> Lanes { Lanes(repeating: a) - b }
@_transparent
func * (a: Lanes, b: Double) -> Lanes { a * Lanes(repeating: b) }
@_transparent
func * (a: Double, b: Lanes) -> Lanes { Lanes(repeating: a) * b }
@_transparent
func / (a: Lanes, b: Double) -> Lanes { a / Lanes(repeating: b) }
@_transparent
func / (a: Double, b: Lanes) -> Lanes { Lanes(repeating: a) / b }
@_transparent
func .< (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .< Lanes(repeating: b) }
@_transparent
func .<= (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .<= Lanes(repeating: b) }
@_transparent
func .> (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .> Lanes(repeating: b) }
@_transparent
func .>= (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .>= Lanes(repeating: b) }
@_transparent
func .== (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .== Lanes(repeating: b) }
@_transparent
func .!= (a: Lanes, b: Double) -> SIMDMask<Lanes.MaskStorage> { a .!= Lanes(repeating: b) }

@_transparent
func + (a: FloatLanes, b: Float) -> FloatLanes { a + FloatLanes(repeating: b) }
@_transparent
func + (a: Float, b: FloatLanes) -> FloatLanes { FloatLanes(repeating: a) + b }
@_transparent
func - (a: FloatLanes, b: Float) -> FloatLanes { a - FloatLanes(repeating: b) }
@_transparent
func - (a: Float, b: FloatLanes) -> FloatLanes { FloatLanes(repeating: a) - b }
@_transparent
func * (a: FloatLanes, b: Float) -> FloatLanes { a * FloatLanes(repeating: b) }
@_transparent
func * (a: Float, b: FloatLanes) -> FloatLanes { FloatLanes(repeating: a) * b }
@_transparent
func / (a: FloatLanes, b: Float) -> FloatLanes { a / FloatLanes(repeating: b) }
@_transparent
func / (a: Float, b: FloatLanes) -> FloatLanes { FloatLanes(repeating: a) / b }
@_transparent
func .< (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .< FloatLanes(repeating: b) }
@_transparent
func .<= (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .<= FloatLanes(repeating: b) }
@_transparent
func .> (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .> FloatLanes(repeating: b) }
@_transparent
func .>= (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .>= FloatLanes(repeating: b) }
@_transparent
func .== (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .== FloatLanes(repeating: b) }
@_transparent
func .!= (a: FloatLanes, b: Float) -> SIMDMask<FloatLanes.MaskStorage> { a .!= FloatLanes(repeating: b) }

/// The elements a kernel reads.
protocol Element {
  /// Whether terms are to be good to double precision, or to float's.
  static var isFine: Bool { get }
  static var stride: Int { get }
  static func load(_ data: UnsafeRawPointer) -> Lanes
  /// One element in each lane.
  static func repeated(_ data: UnsafeRawPointer) -> Lanes
  /// Fewer elements than there are lanes, zeros behind them.
  static func loadPart(_ data: UnsafeRawPointer, _ count: Int) -> Lanes
  static func store(_ value: Lanes, _ out: UnsafeMutableRawPointer)
  /// Copies fewer elements than there are lanes, and zeros behind them.
  static func copyPart(_ data: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer)
}

extension Double: Element {
  @inline(__always) static var isFine: Bool { true }
  @inline(__always) static var stride: Int { 8 }
  @inline(__always)
  static func load(_ data: UnsafeRawPointer) -> Lanes { lanes_load(data.assumingMemoryBound(to: Double.self)) }
  @inline(__always)
  static func repeated(_ data: UnsafeRawPointer) -> Lanes {
    Lanes(repeating: data.assumingMemoryBound(to: Double.self).pointee)
  }
  @inline(__always)
  static func loadPart(_ data: UnsafeRawPointer, _ count: Int) -> Lanes {
    lanes_load_part(data.assumingMemoryBound(to: Double.self), Int64(count))
  }
  @inline(__always)
  static func store(_ value: Lanes, _ out: UnsafeMutableRawPointer) {
    lanes_store(out.assumingMemoryBound(to: Double.self), value)
  }
  @inline(__always)
  static func copyPart(_ data: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
    lanes_store(room.assumingMemoryBound(to: Double.self), loadPart(data, count))
  }
}

extension Float: Element {
  @inline(__always) static var isFine: Bool { false }
  @inline(__always) static var stride: Int { 4 }
  @inline(__always)
  static func load(_ data: UnsafeRawPointer) -> Lanes { lanes_widen(data.assumingMemoryBound(to: Float.self)) }
  @inline(__always)
  static func repeated(_ data: UnsafeRawPointer) -> Lanes {
    Lanes(repeating: Double(data.assumingMemoryBound(to: Float.self).pointee))
  }
  @inline(__always)
  static func loadPart(_ data: UnsafeRawPointer, _ count: Int) -> Lanes {
    lanes_widen_first(lanes_load_part_f32(data.assumingMemoryBound(to: Float.self), Int64(count)))
  }
  @inline(__always)
  static func store(_ value: Lanes, _ out: UnsafeMutableRawPointer) {
    lanes_store_narrow(out.assumingMemoryBound(to: Float.self), value)
  }
  @inline(__always)
  static func copyPart(_ data: UnsafeRawPointer, _ count: Int, to room: UnsafeMutableRawPointer) {
    lanes_store_f32(
      room.assumingMemoryBound(to: Float.self),
      lanes_load_part_f32(data.assumingMemoryBound(to: Float.self), Int64(count)))
  }
}
