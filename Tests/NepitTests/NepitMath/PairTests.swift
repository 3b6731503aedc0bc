// Sums and products in two words.

import CSystem
import NepitMath
import Testing

@Suite("Two words")
struct PairTests {
  private func number(_ random: inout Random) -> Double {
    let x = Double(sign: .plus, exponent: Int.random(in: -80...80, using: &random), significand: 1 + random.uniform())
    return Bool.random(using: &random) ? x : -x
  }

  @Test("a sum has no rest")
  func sums() {
    var random = Random("sums")
    for _ in 0..<20000 {
      let a = number(&random), b = number(&random)
      let sum = lanes_pair(sumOf: a, and: b)
      let (large, small) = abs(a) >= abs(b) ? (a, b) : (b, a)
      check(sum.high == a + b && sum.low == small - ((a + b) - large), "\(hex(a)) + \(hex(b))")
    }
    for (a, b) in [(Double.infinity, 1.0), (1, -.infinity), (1e308, 1e308), (-1.7e308, -1e308)] {
      let sum = lanes_pair(sumOf: a, and: b)
      #expect(sum.high == a + b && sum.low == 0)
    }
  }

  @Test("a product has almost none")
  func products() {
    var random = Random("products")
    for _ in 0..<20000 {
      let a = number(&random), b = number(&random)
      let product = twoProduct(a, b), rest = (-product.high).addingProduct(a, b)
      check(product.high == a * b, "\(hex(a)) * \(hex(b))")
      check(abs(product.low - rest) <= abs(a * b) * 0x1p-104, "\(hex(a)) * \(hex(b))")
    }
  }

  @Test("the power of two below")
  func powers() {
    for (x, power) in [
      (1, 1), (1.5, 1), (2, 2), (0.75, 0.5), (0x1p-1022, 0x1p-1022), (0x1p-1023, 0x1p-1022),
      (.leastNonzeroMagnitude, 0x1p-1022),
      (.greatestFiniteMagnitude, 0x1p1023),
    ] as [(Double, Double)] {
      #expect(x.floorPowerOfTwo == power)
    }
  }

  @Test("a logarithm of two words")
  func logarithms() {
    var random = Random("logarithms")
    for _ in 0..<2000 {
      let x = 1 + random.uniform(), rest = 0x1p-54 * random.uniform()
      var pair = lanes_pair(sumOf: x, and: 0)
      pair.low = rest
      let value = pair.logarithm
      check(abs(value.high - logarithm(x)) <= 2 * logarithm(x).ulp + rest, hex(x))
      let alone = lanes_pair(sumOf: x, and: 0).logarithm
      // The derivative is 1 / x.
      let moved = (value.high - alone.high) + (value.low - alone.low)
      check(abs(moved - rest / x) <= 0x1p-20 * rest + 0x1p-105, "\(hex(x)) + \(hex(rest)): moved by \(moved)")
    }
  }
}
