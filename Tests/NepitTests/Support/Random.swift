// Random rows, from a seed that is printed; NEPIT_TEST_SEED repeats a run.

import Foundation

let seed: UInt64 = {
  let given = ProcessInfo.processInfo.environment["NEPIT_TEST_SEED"]
  let seed = given.flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
  print("NEPIT_TEST_SEED=\(seed)")
  return seed
}()

/// SplitMix64.
struct Random: RandomNumberGenerator {
  private var state: UInt64

  /// A generator of its own for everything that has a name, so that tests may run in any order.
  init(_ name: String) {
    state = seed &* 0x9e37_79b9_7f4a_7c15
    for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// In 0 ..< 1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Positive weights of 0.01 and more, most of them small now and then.
  mutating func weights(_ count: Int) -> [Double] {
    let isUneven = Bool.random(using: &self)
    return (0..<count).map { _ in
      let x = uniform()
      return 0.01 + (isUneven ? x * x * x * x : x)
    }
  }

  /// Whole weights whose sums are exact.
  mutating func counts(_ count: Int, most: Int = 1 << 20) -> [Double] {
    (0..<count).map { _ in Double(Int.random(in: 1...most, using: &self)) }
  }

  /// Weights that differ from `p` by as little as a unit in the last place, their total perhaps another.
  mutating func nearly(_ p: [Double]) -> [Double] {
    let delta = pow(10, -0.5 - 16 * uniform())
    let factor = [1, 1, 3, 0.7, 1 + delta].randomElement(using: &self)!
    return p.map { factor * $0 * (1 + delta * (2 * uniform() - 1)) }
  }
}
