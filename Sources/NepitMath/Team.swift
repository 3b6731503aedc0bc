// Who works: the calling thread, and others that live no longer than a loop.

public import CSystem

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
  private var stopped: Int64 = 0
  private var reported = 0.0
  /// The part of the whole that the present loop is, and where the work it belongs to ends.
  private var start = 0.0, span = 1.0, end = 1.0
  private var hasRows = false

  /// The calling thread alone, nobody told.
  public init() { self.init(threads: 1, monitor: nil, context: nil, environment: 0) }

  public init(threads: Int, monitor: Monitor?, context: UnsafeMutableRawPointer?, environment: UInt32) {
    self.threads = threads
    (self.monitor, self.context, self.environment) = (monitor, context, environment)
  }

  public var isStopped: Bool {
    mutating get { cs_atomic_load(&stopped) != 0 }
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
    if answer != 0 { cs_atomic_store(&stopped, 1) }
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

/// What the threads of a loop share.
private struct Loop {
  var next: Int64 = 0
  var finished: Int64 = 0
  let count: Int64
  let team: UnsafeMutablePointer<Team>
  let body: UnsafeRawPointer
  let call: (UnsafeRawPointer, Int) -> Void
}

private func work(_ loop: UnsafeMutablePointer<Loop>, isCaller: Bool) {
  while !loop.pointee.team.pointee.isStopped {
    let index = cs_atomic_add(&loop.pointee.next, 1)
    guard index < loop.pointee.count else { return }
    loop.pointee.call(loop.pointee.body, Int(index))
    let finished = cs_atomic_add(&loop.pointee.finished, 1) &+ 1
    if isCaller { loop.pointee.team.pointee.report(Double(finished) / Double(loop.pointee.count)) }
  }
}

/// Runs the body for 0 ..< count on the team's threads. A thread that cannot be made is no error.
public func loop<Body: LoopBody>(_ count: Int, _ team: UnsafeMutablePointer<Team>, _ body: Body) {
  if team.pointee.isWatched { team.pointee.beginLoop() }
  let helpers = min(team.pointee.threads, count, 64) &- 1
  var body = body
  withUnsafeMutablePointer(to: &body) { body in
    var loop = Loop(
      count: Int64(count), team: team, body: UnsafeRawPointer(body),
      call: { body, index in body.assumingMemoryBound(to: Body.self).pointee.run(index) })
    withUnsafeMutablePointer(to: &loop) { loop in
      guard helpers > 0 else { return work(loop, isCaller: true) }
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
              work(context.assumingMemoryBound(to: Loop.self), isCaller: false)
              cs_float_environment_restore(environment)
              return nil
            }, loop)
          if failed != 0 { break }
          started &+= 1
        }
        work(loop, isCaller: true)
        for index in upTo(started) { cs_thread_join(threads[index]) }
      }
    }
  }
}
