// Who works: the calling thread, and others that live no longer than a loop.

internal import CSystem

/// How a call runs: its threads, its monitor, and whether it has been told to stop.
///
/// A plain record on the caller's stack: nothing is allocated, nothing outlives the call.
public struct Team {
  public typealias Monitor = @convention(c) (UnsafeMutableRawPointer?, Double) -> Int32

  public var threads: Int
  private let monitor: Monitor?
  private let context: UnsafeMutableRawPointer?
  /// The caller's floating-point environment, under which its monitor runs.
  private let environment: UInt32
  public private(set) var isStopped = false
  private var reported = 0.0
  /// The part of the whole that the present loop is, and where the work it belongs to ends.
  private var start = 0.0, span = 1.0, end = 1.0
  private var hasRows = false

  public init(threads: Int, monitor: Monitor?, context: UnsafeMutableRawPointer?, environment: UInt32) {
    self.threads = threads
    (self.monitor, self.context, self.environment) = (monitor, context, environment)
  }

  public var isWatched: Bool { monitor != nil }

  /// The loops that follow are passes over one row, the part from `start` to `end` of the whole. How many passes it
  /// takes is not known: each is counted as half of what is left.
  public mutating func enter(row start: Double, _ end: Double) {
    (self.start, self.end) = (start, end)
    (span, hasRows) = (0, true)
  }

  mutating func beginLoop() {
    guard hasRows else { return }
    start += span
    span = (end - start) / 2
  }

  /// Tells the monitor, at steps worth telling; for the calling thread only.
  mutating func report(_ progress: Double) {
    guard let monitor else { return }
    let now = min(1, start + span * progress)
    guard now >= reported + 1 / 256 || (now == 1 && reported < 1) else { return }
    reported = now
    let ours = cs_float_environment_enter()
    cs_float_environment_restore(environment)
    let answer = monitor(context, reported)
    cs_float_environment_restore(ours)
    if answer != 0 { isStopped = true }
  }
}

/// The whole numbers from `index` up to `end`, which is not one of them. As a range, but with nothing that traps: not if
/// the end lies before the start, nor by a check on the way that the compiler could not prove.
public struct Count: Sequence, IteratorProtocol {
  @usableFromInline var index: Int
  @usableFromInline let end: Int

  @inlinable @inline(__always)
  init(_ index: Int, _ end: Int) { (self.index, self.end) = (index, end) }

  @inlinable @inline(__always)
  public mutating func next() -> Int? {
    guard index < end else { return nil }
    let current = index
    index = current &+ 1
    return current
  }
}

/// `for index in upTo(count)`: 0, 1 … count - 1, or from another start.
@inlinable @inline(__always)
public func upTo(_ count: Int, from start: Int = 0) -> Count { Count(start, count) }

/// The same numbers as a range has: `for row in upTo(rows)`.
@inlinable @inline(__always)
public func upTo(_ range: Range<Int>) -> Count { Count(range.lowerBound, range.upperBound) }

/// One turn of a parallel loop. It writes only what belongs to its index.
public protocol LoopBody {
  func run(_ index: Int)
}

/// What the threads of a loop share. The words are reached by atomic functions alone, and through pointers: an access to
/// a part of a record counts, to the thread sanitizer, as one to the whole.
private struct Loop {
  let next, finished, stopped: UnsafeMutablePointer<Int64>
  let count: Int64
  let body: UnsafeRawPointer
  let call: (UnsafeRawPointer, Int) -> Void

  /// Takes turns until there are none left. `team`: the calling thread's; the others know of none.
  func work(_ team: UnsafeMutablePointer<Team>?) {
    while cs_atomic_load(stopped) == 0 {
      let index = cs_atomic_add(next, 1)
      guard index < count else { return }
      call(body, Int(index))
      let done = cs_atomic_add(finished, 1) &+ 1
      guard let team else { continue }
      team.pointee.report(Double(done) / Double(count))
      if team.pointee.isStopped { cs_atomic_store(stopped, 1) }
    }
  }
}

/// Runs the body for 0 ..< count on the team's threads. A thread that cannot be made is no error.
public func loop<Body: LoopBody>(_ count: Int, _ team: UnsafeMutablePointer<Team>, _ body: Body) {
  if team.pointee.isWatched { team.pointee.beginLoop() }
  let helpers = min(team.pointee.threads, count, 64) &- 1
  var body = body
  var words: (next: Int64, finished: Int64, stopped: Int64) = (0, 0, team.pointee.isStopped ? 1 : 0)
  withUnsafeMutablePointer(to: &words) { words in
    withUnsafeMutablePointer(to: &body) { body in
      let words = UnsafeMutableRawPointer(words).assumingMemoryBound(to: Int64.self)
      var loop = Loop(
        next: words, finished: words + 1, stopped: words + 2, count: Int64(count), body: UnsafeRawPointer(body),
        call: { body, index in body.assumingMemoryBound(to: Body.self).pointee.run(index) })
      guard helpers > 0 else { return loop.work(team) }
      withUnsafeMutablePointer(to: &loop) { help(helpers, $0, team) }
    }
  }
}

private func help(_ helpers: Int, _ loop: UnsafeMutablePointer<Loop>, _ team: UnsafeMutablePointer<Team>) {
  var threads = cs_threads()
  withUnsafeMutablePointer(to: &threads) { memory in
    let threads = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: pthread_t.self)
    var started = 0
    while started < helpers {
      let failed = cs_thread_start(
        threads + started,
        { context in
          guard let context else { return nil }
          let environment = cs_float_environment_enter()
          context.assumingMemoryBound(to: Loop.self).pointee.work(nil)
          cs_float_environment_restore(environment)
          return nil
        }, loop)
      if failed != 0 { break }
      started &+= 1
    }
    loop.pointee.work(team)
    for index in upTo(started) { cs_thread_join(threads[index]) }
  }
}
