import Foundation
import Testing

/// `#expect` without its macro, which takes a microsecond and keeps what it saw: for millions of results.
///
/// - Returns: Whether it holds, for loops that would else record each of many alike.
@discardableResult
func check(
  _ holds: Bool, _ what: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
  if !holds { Issue.record(Comment(rawValue: what()), sourceLocation: sourceLocation) }
  return holds
}

/// A number with all its bits.
func hex(_ x: Double) -> String { x.isFinite ? String(format: "%a", x) : "\(x)" }

/// An error as a power of two.
func power(_ error: Double) -> String {
  error == 0 ? "0" : error == .infinity ? "wrong" : String(format: "2^%.1f", Foundation.log2(error))
}

/// The difference of two numbers relative to the second; 0 where they are equal or both NaN, else infinite where that
/// has no meaning.
func relativeError(_ a: Double, _ b: Double) -> Double {
  if a == b || (a.isNaN && b.isNaN) { return 0 }
  let error = abs(a - b) / abs(b)
  return error.isNaN ? .infinity : error
}

/// Prints a line at once, so that lines of tests that run side by side do not mix.
func report(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

func padded(_ text: String, _ width: Int) -> String {
  text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
}
