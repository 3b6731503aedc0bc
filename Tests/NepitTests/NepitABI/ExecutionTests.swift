// Monitors, threads and what is wrong with a call, through the exports and through Swift.

import CNepit
import Foundation
import Nepit
import Testing

/// What a monitor has seen; it is called on one thread.
private struct Watch {
  var calls = 0, stopsAt = Int.max
  var last = 0.0
  var isMonotone = true, isOnThread = true
  var thread = pthread_self()
}

private let monitor: @convention(c) (UnsafeMutableRawPointer?, Double) -> Int32 = { context, progress in
  let watch = context!.assumingMemoryBound(to: Watch.self)
  watch.pointee.calls += 1
  if !(progress >= watch.pointee.last && progress <= 1) { watch.pointee.isMonotone = false }
  watch.pointee.last = progress
  if pthread_equal(watch.pointee.thread, pthread_self()) == 0 { watch.pointee.isOnThread = false }
  return watch.pointee.calls >= watch.pointee.stopsAt ? 1 : 0
}

@Suite("Execution")
struct ExecutionTests {
  private func call(_ rows: Int, _ columns: Int) -> Call {
    var random = Random("ExecutionTests")
    return Call(
      ["weights": Elements(random.weights(rows * columns), rows: rows), "p": Elements(random.weights(columns)),
       "q": Elements(random.weights(rows * columns), rows: rows)],
      ["base": 2, "members": 1])
  }

  private static let shapes = [(1, 5), (1, 200_001), (3, 60_003), (14_000, 8), (20, 6001)]
  private static let names = ["entropy", "kl_divergence", "kl_divergence_gradient", "generalized_jensen_shannon"]

  @Test("a monitor is told the progress", arguments: [1, 2, 7] as [Int32])
  func progress(_ threads: Int32) {
    for (rows, columns) in ExecutionTests.shapes {
      for name in ExecutionTests.names {
        let plain = call(rows, columns), export = Export.named(name)
        #expect(export.run(plain) == NEPIT_OK)
        var watch = Watch()
        let status = withUnsafeMutablePointer(to: &watch) { watch in
          let watched = plain.copy()
          watched.how = nepit_execution(
            size: MemoryLayout<nepit_execution>.size, threads: threads, monitor: monitor, context: watch)
          let status = export.run(watched)
          check(haveSameBits(watched.allValues, plain.allValues), "\(name): a monitor changes the bits")
          return status
        }
        let what = "\(name), \(rows) x \(columns), \(threads) threads"
        check(status == NEPIT_OK, "\(what): status \(status)")
        check(watch.isMonotone && watch.last <= 1, "\(what): progress fell, or is not in 0 ... 1")
        check(watch.isOnThread, "\(what): another thread told it")
        // Now and then: not at every turn, and not only at the end. (Of a group only the end is told. Among threads it
        // depends on the turns the calling one gets.)
        if rows * columns > 100_000, threads == 1, rows > 2 || name != "generalized_jensen_shannon" {
          check(watch.calls >= 3, "\(what): \(watch.calls) calls")
        }
        check(watch.calls <= 300, "\(what): \(watch.calls) calls")
      }
    }
  }

  @Test("a monitor can stop", arguments: [1, 2, 7] as [Int32])
  func cancelling(_ threads: Int32) {
    for (rows, columns) in ExecutionTests.shapes where rows * columns > 100_000 {
      for name in ExecutionTests.names {
        for stop in [1, 2] {
          var watch = Watch()
          watch.stopsAt = stop
          let stopped = call(rows, columns)
          let status = withUnsafeMutablePointer(to: &watch) { watch in
            stopped.how = nepit_execution(
              size: MemoryLayout<nepit_execution>.size, threads: threads, monitor: monitor, context: watch)
            return Export.named(name).run(stopped)
          }
          let what = "\(name), \(rows) x \(columns), \(threads) threads"
          // Others may have done the work before the calling thread had a second turn.
          let isDone = watch.calls < stop && (threads > 1 || name == "generalized_jensen_shannon")
          check(status == (isDone ? NEPIT_OK : NEPIT_ERROR_CANCELLED), "\(what): status \(status)")
          check(isDone || watch.calls == stop, "\(what): told to stop at \(stop), called \(watch.calls) times")
          check(stopped.isTidy, "\(what): something was written outside of the outputs")
        }
      }
    }
  }

  @Test("records that are wrong")
  func records() {
    let size = MemoryLayout<nepit_execution>.size
    for (bytes, threads, want) in [
      (size, 1, NEPIT_OK), (size, 0, NEPIT_OK), (size, .max, NEPIT_OK), (size, -1, NEPIT_ERROR_PARAMETER),
      (size, .min, NEPIT_ERROR_PARAMETER), (0, 1, NEPIT_ERROR_SIZE), (size - 1, 1, NEPIT_ERROR_SIZE),
      (size + 8, 1, NEPIT_ERROR_SIZE), (.max, 1, NEPIT_ERROR_SIZE),
    ] as [(Int, Int32, Int32)] {
      for export in Export.all where !export.name.contains("smooth") && !export.name.contains("check") {
        let wrong = call(2, 9)
        wrong.inputs["x"] = wrong.inputs["q"]
        wrong.inputs["y"] = wrong.inputs["q"]
        wrong.inputs["probabilities"] = wrong.inputs["q"]
        wrong.numbers.merge(["order": 2, "weight": 0.5, "alpha": 0.5, "floor": 0]) { $1 }
        wrong.how = nepit_execution(size: bytes, threads: threads, monitor: nil, context: nil)
        let status = export.run(wrong)
        check(status == want, "\(export.name): size \(bytes), threads \(threads): status \(status)")
        check(want == NEPIT_OK || wrong.isUntouched, "\(export.name): a call that failed has written")
      }
    }
  }

  @Test("in Swift")
  func swift() throws {
    #expect(throws: CallError.parameter) { try Execution(threads: -1) }
    #expect(throws: Never.self) { try Execution(threads: 0) }
    #expect(throws: Never.self) { try Execution(threads: .max) }
    var random = Random("swift")
    let rows = random.weights(300_000)
    try rows.withUnsafeBytes { bytes in
      let matrix = try Matrix(
        bytes.baseAddress!, rows: 3, columns: 100_000, rowStride: 100_000, columnStride: 1, type: .float64)
      var out = [Double](repeating: 0, count: 3)
      var watch = Watch()
      try withUnsafeMutablePointer(to: &watch) { watch in
        watch.pointee.stopsAt = 2
        let execution = try Execution(threads: 2, monitor: monitor, context: watch)
        // Without an environment of its own the monitor runs under that of a program's start.
        let watched = execution.monitored(in: 0x1f80)
        #expect(throws: CallError.cancelled) { try entropies(of: matrix, in: .bits, into: &out, running: watched) }
        #expect(watch.pointee.calls == 2)
        #expect(watch.pointee.isOnThread)
      }
      #expect(throws: CallError.null) { try entropies(of: matrix, in: .bits, into: nil, running: .inline) }
      try entropies(of: matrix, in: .bits, into: &out, running: .inline)
      for row in 0..<3 {
        #expect(out[row] == entropy(of: Array(rows[row * 100_000..<(row + 1) * 100_000]).span, in: .bits))
      }
    }
  }
}

@Suite("The library")
struct LibraryTests {
  @Test("says what it is")
  func version() {
    #expect(
      String(cString: nepit_version()) == "\(NEPIT_VERSION_MAJOR).\(NEPIT_VERSION_MINOR).\(NEPIT_VERSION_PATCH)")
    #expect(String(cString: nepit_isa()) == "x86-64", "the default build has the baseline's kernels only")
  }

  @Test("has a sentence for every status, each its own")
  func messages() {
    let messages = (-10...0).map { String(cString: nepit_status_message(Int32($0))) }
    #expect(Set(messages).count == messages.count)
    #expect(messages.allSatisfy { !$0.isEmpty })
    let unknown = String(cString: nepit_status_message(1))
    for status in [Int32.min, -11, 1, 77, .max] { #expect(String(cString: nepit_status_message(status)) == unknown) }
    #expect(!messages.contains(unknown))
    #expect(NEPIT_OK == 0 && NEPIT_ERROR_CANCELLED == CallError.cancelled.rawValue)
  }
}
