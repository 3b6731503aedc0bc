// Small floats, read and written. Swift's own types say what is right.

import Foundation
import Testing

@testable import Nepit

@Suite("Half floats")
struct HalfTests {
  private func read(_ bits: UInt16, as type: ElementType) -> Double {
    withUnsafeBytes(of: bits) { type.read($0.baseAddress!, 0) }
  }

  private func write(_ value: Double, as type: ElementType) -> UInt16 {
    var bits: UInt16 = 0x5555
    withUnsafeMutableBytes(of: &bits) { type.write(value, $0.baseAddress!, 0) }
    return bits
  }

  @Test("all patterns of binary16 are read exactly")
  func fromHalf() {
    for bits in UInt16.min...UInt16.max {
      let want = Double(Float16(bitPattern: bits)), got = read(bits, as: .float16)
      let isRight = want.isNaN ? got.isNaN : got.bitPattern == want.bitPattern
      guard check(isRight, "\(bits): \(hex(got)), not \(hex(want))") else { return }
    }
  }

  @Test("all patterns of bfloat16 are read exactly")
  func fromBfloat() {
    for bits in UInt16.min...UInt16.max {
      let want = Double(Float(bitPattern: UInt32(bits) << 16)), got = read(bits, as: .bfloat16)
      let isRight = want.isNaN ? got.isNaN : got.bitPattern == want.bitPattern
      guard check(isRight, "\(bits): \(hex(got)), not \(hex(want))") else { return }
    }
  }

  /// Every number of a type, every middle between two neighbours, and the doubles next to both.
  private func hardValues(_ decode: (UInt16) -> Double, infinity: UInt16, beyond: Double) -> [Double] {
    var values: [Double] = []
    for bits in 0..<infinity {
      let low = decode(bits), high = bits + 1 == infinity ? beyond : decode(bits + 1)
      let middle = (low + high) / 2
      values += [low, low.nextUp, middle.nextDown, middle, middle.nextUp]
    }
    values += [beyond, beyond * 2, .greatestFiniteMagnitude, .infinity, .leastNonzeroMagnitude, 0x1p-1022]
    return values + values.map { -$0 }
  }

  @Test("binary16 is rounded to nearest, ties to even")
  func toHalf() {
    let values = hardValues({ Double(Float16(bitPattern: $0)) }, infinity: 0x7c00, beyond: 65536)
    for value in values {
      let want = Float16(value).bitPattern, got = write(value, as: .float16)
      guard check(got == want, "\(hex(value)): \(got), not \(want)") else { return }
    }
    #expect(Float16(bitPattern: write(.nan, as: .float16)).isNaN)
    #expect(Float16(bitPattern: write(-.nan, as: .float16)).isNaN)
  }

  @Test("bfloat16 is rounded to nearest, ties to even")
  func toBfloat() {
    let values = hardValues(
      { Double(Float(bitPattern: UInt32($0) << 16)) }, infinity: 0x7f80, beyond: 0x1p128)
    for value in values {
      let want = bfloatBits(value), got = write(value, as: .bfloat16)
      guard check(got == want, "\(hex(value)): \(got), not \(want)") else { return }
    }
    #expect(read(write(.nan, as: .bfloat16), as: .bfloat16).isNaN)
    #expect(read(write(-.nan, as: .bfloat16), as: .bfloat16).isNaN)
  }

  /// The rule the other test leans on: what a middle is, by bits and not by arithmetic.
  @Test("the rule for bfloat16")
  func rule() {
    for (value, bits) in [
      (1.0, 0x3f80), (1 + 0x1p-8, 0x3f80), ((1 + 0x1p-8).nextUp, 0x3f81), (1 + 0x3p-8, 0x3f82), (0x1.ffp127, 0x7f80),
      (0x1.ffp127.nextDown, 0x7f7f), (0x1p-133, 1), (0x1p-134, 0), (0x1p-134.nextUp, 1), (0x3p-134, 2), (0, 0),
    ] as [(Double, UInt16)] {
      #expect(bfloatBits(value) == bits)
      #expect(bfloatBits(-value) == bits | 0x8000)
    }
  }

  @Test("integers are read as they are, those of 64 bits rounded")
  func integers() {
    func read<Integer: FixedWidthInteger>(_ type: ElementType, _ values: [Integer]) {
      values.withUnsafeBytes { bytes in
        for (index, value) in values.enumerated() {
          check(type.read(bytes.baseAddress!, index) == Double(value), "\(type) \(value)")
        }
      }
    }
    read(.int8, [Int8](Int8.min...Int8.max))
    read(.uint8, [UInt8](UInt8.min...UInt8.max))
    read(.int16, [Int16.min, -1, 0, 1, .max])
    read(.uint16, [UInt16.min, 1, 0x8000, .max])
    read(.int32, [Int32.min, -1, 0, 1, .max])
    read(.uint32, [UInt32.min, 1, 0x8000_0000, .max])
    read(.int64, [Int64.min, -1, 0, 1, 1 << 53, (1 << 53) + 1, (1 << 53) + 3, (1 << 62) + 257, .max])
    read(.uint64, [UInt64.min, 1, 1 << 63, (1 << 63) + 1024, (1 << 63) + 1025, (1 << 63) + 3072, .max])
  }
}
