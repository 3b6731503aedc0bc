import CNepit
import Nepit
import NepitMath
import Testing

@Suite("Comparison of logits")
struct LogitsComparisonTests {
  /// Rows of reproducible numbers.
  private static func logits(_ seed: UInt64, _ count: Int) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53 * 12 - 6
    }
  }

  private static func matrix(_ values: UnsafePointer<Double>, _ rows: Int, _ columns: Int) throws -> Matrix {
    try Matrix(
      values, rows: UInt(rows), columns: UInt(columns), rowStride: columns, columnStride: 1, type: .float64)
  }

  private static func saved(_ comparison: inout LogitsComparison) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: comparison.savedCount)
    bytes.withUnsafeMutableBytes { comparison.save(to: $0.baseAddress!) }
    return bytes
  }

  private static func loaded(_ bytes: [UInt8]) throws -> LogitsComparison {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    return try LogitsComparison(loading: UnsafeRawBufferPointer(memory))
  }

  // Every case of nepit_logits_comparison_update, by nepit_logits_comparison_create, _summary and _destroy as well.
  @Test("the vectors")
  func vectors() throws {
    let file = try #require(vectorFiles.first { $0.name == "logits_comparison_update" })
    for vector in file.cases {
      let call = Call(vector)
      let base = call.array("base"), test = call.array("test"), labels = call.array("labels")
      var comparison: OpaquePointer?
      #expect(nepit_logits_comparison_create(base.cols, 10, 0, 0, &comparison) == NEPIT_OK)
      let status = nepit_logits_comparison_update(
        comparison, base, test, labels, call.execution, call.matrix("values"))
      #expect(status == NEPIT_OK, "\(vector.name)")
      let expected = try #require(vector.results["values"])
      for (index, got) in call.values(call.outputs[0]).enumerated() {
        let want = expected.values[index]
        let isRight =
          want.isNaN ? got.isNaN : got == want || abs(got - want) <= expected.bound! * expected.terms![index]
        check(isRight, "\(vector.name): value \(index) is \(got), not \(want)")
      }
      var summary = nepit_logits_summary()
      summary.size = MemoryLayout<nepit_logits_summary>.size
      #expect(nepit_logits_comparison_summary(comparison, &summary) == NEPIT_OK)
      let rows = UInt64(max(base.rows, test.rows))
      #expect(summary.rows + summary.invalid == rows)
      #expect(nepit_logits_comparison_merge(comparison, comparison) == NEPIT_OK, "with itself")
      #expect(nepit_logits_comparison_summary(comparison, &summary) == NEPIT_OK)
      #expect(summary.rows + summary.invalid == 2 * rows)
      nepit_logits_comparison_destroy(comparison)
    }
  }

  // What nepit_logits_comparison_merge, nepit_logits_comparison_save, nepit_logits_comparison_load and
  // nepit_logits_comparison_quantiles call.
  @Test("parts merge in any order to the same bits, and are loaded again", arguments: [0, 7])
  func merging(bits: Int) throws {
    let columns = 23, rows = 60
    let base = Self.logits(1, rows * columns), test = Self.logits(2, rows * columns)
    func part(_ range: Range<Int>) throws -> LogitsComparison {
      var comparison = try LogitsComparison(columns: columns, sketchBits: bits, first: range.lowerBound)
      try base.withUnsafeBufferPointer { base in
        try test.withUnsafeBufferPointer { test in
          try comparison.update(
            base: Self.matrix(base.baseAddress! + range.lowerBound * columns, range.count, columns),
            test: Self.matrix(test.baseAddress! + range.lowerBound * columns, range.count, columns))
        }
      }
      return comparison
    }
    var whole = try part(0..<rows)
    let bytes = Self.saved(&whole)
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
      let ranges = [0..<7, 7..<40, 40..<60]
      var sum = try LogitsComparison(columns: columns, sketchBits: bits)
      for index in order { try sum.merge(part(ranges[index])) }
      let merged = Self.saved(&sum)
      #expect(merged == bytes)
    }
    var loaded = try Self.loaded(bytes)
    let again = Self.saved(&loaded)
    #expect(again == bytes)
    let medians = (loaded.quantiles(at: 0.5).divergence, whole.quantiles(at: 0.5).divergence)
    #expect(medians.0 == medians.1)
    let (last, greatest) = (loaded.quantiles(at: 1).divergence, whole.summary().greatestDivergence)
    #expect(last == greatest)
    var other = try LogitsComparison(columns: columns + 1, sketchBits: bits)
    let parameters = other.parameters
    #expect(parameters == (columns + 1, 10, bits))
    var refusal: CallError?
    do { try other.merge(whole) } catch { refusal = error }
    #expect(refusal == .shape)
  }

  /// Merged with itself until that is refused: the numbers of tokens once ran over, and the summary ended the process.
  @Test("no more than 2^50 tokens; tokens of the same positions are loaded again", arguments: [0, 4])
  func doubling(bits: Int) throws {
    let (base, test) = (Self.logits(3, 4), Self.logits(4, 4))
    var comparison = try LogitsComparison(columns: 4, top: 2, sketchBits: bits)
    try base.withUnsafeBufferPointer { base in
      try test.withUnsafeBufferPointer { test in
        try comparison.update(
          base: Self.matrix(base.baseAddress!, 1, 4), test: Self.matrix(test.baseAddress!, 1, 4))
      }
    }
    let divergence = comparison.summary().divergence.mean
    let most = bits == 0 ? 10 : 50
    for _ in 0..<most {
      var bytes = Self.saved(&comparison)
      try comparison.merge(Self.loaded(bytes))
      bytes = Self.saved(&comparison)
      var loaded = try Self.loaded(bytes)
      let again = Self.saved(&loaded)
      #expect(again == bytes)
    }
    let summary = comparison.summary()
    #expect(summary.rows == 1 << most && summary.divergence.mean == divergence)
    guard bits > 0 else { return }
    let copy = try Self.loaded(Self.saved(&comparison))
    var refusal: CallError?
    do { try comparison.merge(copy) } catch { refusal = error }
    #expect(refusal == .parameter)
    let rows = comparison.summary().rows
    #expect(rows == 1 << most)
  }

  /// The checksum made right again: what then is not refused must still do no harm.
  @Test("bytes with a right checksum that nobody saved")
  func forged() throws {
    var empty = try LogitsComparison(columns: 5, sketchBits: 1)
    let good = Self.saved(&empty)
    var state: UInt64 = 7
    for round in 0..<4000 {
      var bytes = good
      for _ in 0...round % 3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let word = Int(state >> 33) % 22 + (round % 5 == 0 ? bytes.count / 8 - 24 : 1)
        let value: UInt64 = [0, 1, .max, 1 << 62, 1 << 63, 255, state][Int(state >> 20) % 7]
        withUnsafeBytes(of: value.littleEndian) { source in
          for index in 0..<8 where word * 8 + index < bytes.count { bytes[word * 8 + index] = source[index] }
        }
      }
      var digest: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in bytes.dropLast(8) { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
      withUnsafeBytes(of: digest.littleEndian) { for index in 0..<8 { bytes[bytes.count - 8 + index] = $0[index] } }
      do {
        var loaded = try Self.loaded(bytes)
        _ = loaded.summary()
        _ = loaded.quantiles(at: 0.3)
        // Of other columns or sketches it is refused.
        try? loaded.merge(empty)
        _ = Self.saved(&loaded)
      } catch {
        #expect(error as? CallError == .format)
      }
    }
  }

  @Test("exact sums")
  func exactSums() {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * FixedPointSum.words)
    defer { words.deallocate() }
    func sum(_ terms: [Double]) -> Double {
      words.initialize(repeating: 0, count: FixedPointSum.words)
      let sum = FixedPointSum(words)
      for term in terms { sum.add(term) }
      return sum.value
    }
    #expect(sum([1e300, 1, -1e300]) == 1)
    #expect(sum([0x1p1023, 0x1p1023, -0x1p1023, -0x1p1023, 5e-324]) == 5e-324)
    #expect(sum([-5e-324]) == -5e-324)
    #expect(sum([-0x1p64, -0x1p-1074, 0x1p-1074]) == -0x1p64)
    #expect(sum([.greatestFiniteMagnitude]) == .greatestFiniteMagnitude)
    #expect(sum([-.greatestFiniteMagnitude, -.greatestFiniteMagnitude]) == -.infinity)
    #expect(sum([1, .infinity]) == .infinity)
    #expect(sum([.infinity, -.infinity]).isNaN)
    #expect(sum([]) == 0)
    words.initialize(repeating: 0, count: FixedPointSum.words)
    let products = FixedPointSum(words)
    let x = 1 + 0x1p-52
    products.addProduct(x, x)
    products.add(-1)
    products.add(-0x1p-51)
    #expect(products.value == 0x1p-104)
    products.addProduct(-x, x)
    products.add(1)
    products.add(0x1p-51)
    #expect(products.value == 0)
  }
}
