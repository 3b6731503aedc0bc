import CNepit
import Foundation
import Testing

@Suite("Vectors")
struct VectorTests {
  @Test("each file has its function, and each function its file")
  func names() {
    #expect(vectorFiles.map(\.name) == Export.every.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }

  // The digest is that of Tests/CHarness/README.md: two programs that print the same have computed the same bits.
  @Test("every case meets its bounds, and all have the bits of Tests/Vectors/digests")
  func everyCase() throws {
    let committed = try committedDigests()
    var cases = 0, failures = 0
    var all = Digest()
    for file in vectorFiles {
      guard let export = Export.every.first(where: { $0.name == file.name }) else { continue }
      var digest = Digest(), worst = 0.0, wrong: [String] = []
      for vector in file.cases {
        cases += 1
        let call = Call(vector)
        let status = export.run(call)
        guard status == NEPIT_OK else {
          wrong.append("\(vector.name): status \(status)")
          continue
        }
        let known = Set(vector.inputs.keys).union(vector.numbers.keys)
        if !known.isSubset(of: call.asked) || call.outputs.count != vector.results.count {
          wrong.append("\(vector.name): a parameter that the function does not have")
        }
        if !call.isTidy { wrong.append("\(vector.name): something was written outside of the outputs") }
        for output in call.outputs {
          let expected = vector.results[output.name]!
          for (index, got) in call.values(output).enumerated() {
            if output.type == .int64 {
              digest.add(UInt64(bitPattern: Int64(got)))
            } else if output.type == .int32 {
              digest.add(UInt32(bitPattern: Int32(got)))
            } else {
              digest.add(canonicalBits(got))
            }
            let bound = output.type == .int32 || output.type == .int64 ? 0 : expected.bound!
            let judgement = judge(got, expected.values[index], expected.terms?[index], bound)
            if let what = judgement.wrong {
              let place = "[\(index / expected.columns), \(index % expected.columns)]"
              let (found, want) = (hex(got), hex(expected.values[index]))
              wrong.append("\(vector.name): \(output.name)\(place) is \(found), not \(want): \(what)")
            } else if bound > 0 {
              worst = max(worst, judgement.error / bound)
            }
          }
        }
      }
      all.add(digest.state)
      if committed[file.name[...]] != ["\(digest)"] {
        wrong.append("not the bits of Tests/Vectors/digests; if that is meant, `make digests`")
      }
      let function = padded("nepit_" + file.name, 44), count = String(format: "%6d", file.cases.count)
      report("\(function) \(count) cases  \(digest)  worst \(String(format: "%3.0f", 100 * worst)) % of the bound")
      failures += wrong.count
      check(
        wrong.isEmpty,
        "nepit_\(file.name): \(wrong.count) wrong\n  " + wrong.prefix(8).joined(separator: "\n  "))
    }
    report("\(cases) cases, \(failures) failures\ndigest \(all)")
  }
}

/// The lines of Tests/Vectors/digests: one for each function, if no merge has left two.
private func committedDigests() throws -> [Substring: [Substring]] {
  let text = try String(contentsOf: testsFolder.appendingPathComponent("Vectors/digests"), encoding: .utf8)
  return Dictionary(grouping: text.split(separator: "\n").map { $0.split(separator: " ") }, by: { $0[0] })
    .mapValues { $0.map { $0[1] } }
}

/// FNV-1a, 64 bits.
private struct Digest: CustomStringConvertible {
  private(set) var state: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add<Word: FixedWidthInteger>(_ word: Word) {
    for byte in encoded(word.littleEndian) { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  var description: String { String(format: "%016llx", state) }
}

/// What is wrong with a result, if something is, and its error in the unit of the bound: relative to what is wanted,
/// or to the terms where there are any.
private func judge(
  _ got: Double, _ want: Double, _ terms: Double?, _ bound: Double
) -> (wrong: String?, error: Double) {
  if bound == 0 { return (canonicalBits(got) == canonicalBits(want) ? nil : "other bits", 0) }
  if want.isNaN { return (got.isNaN ? nil : "not NaN", 0) }
  if got.isNaN { return ("NaN", 0) }
  if want.isInfinite || got.isInfinite { return (got == want ? nil : "one is infinite", 0) }
  if got == 0, got.sign == .minus { return ("a zero result is +0", 0) }
  if got == want { return (nil, 0) }
  if terms == nil, got == 0 || want == 0 { return ("one is 0", 0) }
  if terms == nil, got.sign != want.sign { return ("the sign", 0) }
  let error = abs(got - want) / (terms ?? abs(want))
  return (error <= bound ? nil : "the error is \(power(error)), the bound \(power(bound))", error)
}
