// Threads: each turn once, and what the monitor is told.

import Foundation
import NepitMath
import Testing

private struct Count: LoopBody {
  let turns: UnsafeMutablePointer<Int32>
  /// Long enough for other threads to come in.
  func run(_ index: Int) {
    for _ in 0..<20 { turns[index] &+= 1 }
  }
}

@Suite("Loops")
struct LoopTests {
  @Test("each turn once", arguments: [1, 2, 3, 8, 64, 1000])
  func turns(_ threads: Int) {
    for count in [0, 1, 2, 3, 63, 64, 65, 1000] {
      let turns = UnsafeMutablePointer<Int32>.allocate(capacity: count + 1)
      turns.initialize(repeating: 0, count: count + 1)
      var team = Team(threads: threads, monitor: nil, context: nil, environment: 0x1f80)
      loop(count, &team, Count(turns: turns))
      #expect((0..<count).allSatisfy { turns[$0] == 20 } && turns[count] == 0)
      turns.deallocate()
    }
  }

  @Test("a monitor that stops a loop", arguments: [1, 2, 8])
  func stopping(_ threads: Int) {
    let turns = UnsafeMutablePointer<Int32>.allocate(capacity: 100_000)
    turns.initialize(repeating: 0, count: 100_000)
    defer { turns.deallocate() }
    var calls = 0
    withUnsafeMutablePointer(to: &calls) { calls in
      var team = Team(
        threads: threads,
        monitor: { context, _ in
          let calls = context!.assumingMemoryBound(to: Int.self)
          calls.pointee += 1
          return calls.pointee == 3 ? 1 : 0
        }, context: calls, environment: 0x1f80)
      loop(100_000, &team, Count(turns: turns))
      // Others may have taken all turns before the calling thread was asked three times.
      let isStopped = team.isStopped, isTold = calls.pointee == 3
      #expect(isStopped == isTold && (isTold || threads > 1))
      #expect((0..<100_000).contains { turns[$0] == 0 } || !isTold)
    }
    #expect((0..<100_000).allSatisfy { turns[$0] == 0 || turns[$0] == 20 })
  }
}
