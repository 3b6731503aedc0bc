// The kernels' functions of one number, against Vectors/functions.txt.

import CSystem
import Foundation
import NepitMath
import Testing

/// A function and the greatest error that is allowed, in units of the last place. Of three million random arguments in
/// each of the ranges that `functions.py` draws from, the worst were 0.563 (log), 3.39 (log1p), 0.944 (exp), 2.004
/// (expm1) and 8.68 (x - log(1 + x)), against extended precision.
struct Function: Sendable, CustomTestStringConvertible {
  let name: String
  let bound: Double
  let evaluate: @Sendable (Double) -> Double
  var testDescription: String { name }

  static let all = [
    Function(name: "log", bound: 0.57, evaluate: NepitMath.log),
    Function(name: "log1p", bound: 3.5, evaluate: NepitMath.log1p),
    Function(name: "exp", bound: 0.95, evaluate: NepitMath.exp),
    Function(name: "expm1", bound: 2.05, evaluate: NepitMath.expm1),
    Function(name: "excess", bound: 9, evaluate: NepitMath.logExcess),
  ]
}

/// An argument, the double nearest to the result, and the rest of it in units of that one's last place.
private struct Point {
  let x, nearest, rest: Double
}

private let points: [String: [Point]] = {
  var all: [String: [Point]] = [:], name = ""
  do {
    let url = testsFolder.appendingPathComponent("NepitTests/Vectors/functions.txt")
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ")
      if words[0] == "function" {
        name = String(words[1])
      } else {
        guard words.count == 3, let x = Double(words[0]), let nearest = Double(words[1]), let rest = Double(words[2])
        else { throw BadFile(description: "functions.txt: \(line)") }
        all[name, default: []].append(Point(x: x, nearest: nearest, rest: rest))
      }
    }
  } catch {
    fatalError("\(error)")
  }
  return all
}()

@Suite("Functions")
struct FunctionTests {
  @Test("within their bounds", arguments: Function.all)
  func bounds(_ function: Function) throws {
    let points = try #require(points[function.name])
    var worst = (error: 0.0, x: 0.0), wrong: [String] = []
    for point in points {
      let got = function.evaluate(point.x)
      guard got.isFinite, point.nearest.isFinite, point.nearest != 0 else {
        if !haveSameBits([got + 0], [point.nearest + 0]) {
          wrong.append("\(hex(point.x)): \(hex(got)), not \(hex(point.nearest))")
        }
        continue
      }
      let error = abs((got - point.nearest) / point.nearest.ulp - point.rest)
      if error > worst.error { worst = (error, point.x) }
      if error > function.bound { wrong.append("\(hex(point.x)): \(hex(got)), off by \(error) ULP") }
    }
    let text = String(format: "%.4f", worst.error)
    let name = padded(function.name, 12)
    report("\(name) \(points.count) arguments  worst \(text) of \(function.bound) ULP at \(hex(worst.x))")
    check(wrong.isEmpty, "\(function.name): \(wrong.count) wrong\n  " + wrong.prefix(20).joined(separator: "\n  "))
  }

  /// The logarithm of the entropies' sums: a cross-entropy's sum of a weight of 1 is it.
  private func quickLogarithm<Number>(_ x: Number, _ one: Number, _ element: lanes_element) -> Double {
    var parameters = lanes_parameters(), sums = lanes_sums()
    withUnsafeBytes(of: one) { p in
      withUnsafeBytes(of: x) { q in
        reduce(.cross_entropy, element, p.baseAddress!, q.baseAddress!, 1, &parameters, nil, true, &sums)
      }
    }
    return sums.c.high
  }

  @Test("the entropies' logarithm")
  func quickLogarithms() throws {
    var worst = (error: 0.0, x: 0.0)
    for point in try #require(points["log"]) where point.x.isNormal && point.x > 0 && point.x.isFinite {
      let got = quickLogarithm(point.x, 1, .double)
      // Of 1 where the logarithm is less: the sums that it serves are not small.
      let error = abs((got - point.nearest) - point.rest * point.nearest.ulp) / max(1, abs(point.nearest))
      if error > worst.error { worst = (error, point.x) }
    }
    report("quick log    worst \(power(worst.error)), of 1 where the logarithm is less, at \(hex(worst.x))")
    #expect(worst.error <= 0x1p-51)
  }

  @Test("the entropies' logarithm of floats")
  func quickFloatLogarithms() {
    var random = Random("quickFloatLogarithms")
    var worst = (error: 0.0, x: 0.0)
    for index in 0..<300_000 {
      let exponent = Int.random(in: index % 3 == 0 ? -126...127 : -2...1, using: &random)
      let x = Float(sign: .plus, exponent: exponent, significand: Float.random(in: 1..<2, using: &random))
      let exact = Foundation.log(Double(x))
      let error = abs(quickLogarithm(x, 1, .float) - exact) / max(1, abs(exact))
      if error > worst.error { worst = (error, Double(x)) }
    }
    report("quick log    of floats  worst \(power(worst.error)), of 1 where the logarithm is less, at \(hex(worst.x))")
    #expect(worst.error <= 0x1p-22)
  }

  @Test("a logarithm in two words")
  func preciseLogarithm() throws {
    let points = try #require(points["precise_log"])
    var worst = (error: 0.0, x: 0.0)
    for point in points {
      let got = preciseLog(point.x)
      let error =
        point.nearest == 0
        ? abs(got.high) + abs(got.low)
        : abs((got.high - point.nearest) + (got.low - point.rest * point.nearest.ulp)) / abs(point.nearest)
      if error > worst.error { worst = (error, point.x) }
    }
    report("precise_log  \(points.count) arguments  worst \(power(worst.error)) at \(hex(worst.x))")
    #expect(worst.error <= 0x1p-56)
  }
}
