// Reads Tests/Vectors, whose README describes the format.

import Foundation
import Nepit

/// Tests/.
let testsFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A matrix as an input holds it: its elements side by side, row by row.
struct Elements {
  var type: ElementType
  var rows, columns: Int
  var bytes: [UInt8]

  /// Values that the type holds exactly.
  init(_ values: [Double], rows: Int = 1, as type: ElementType = .float64) {
    precondition(values.count % rows == 0)
    (self.type, self.rows, columns) = (type, rows, values.count / rows)
    bytes = type.encode(values)
  }

  init(words: [Substring], rows: Int, columns: Int, type: ElementType) throws(BadFile) {
    (self.type, self.rows, self.columns) = (type, rows, columns)
    bytes = []
    switch type {
    // Integers of 64 bits do not pass through a double.
    case .int64: for word in words { bytes += encoded(try number(word) { Int64($0) }) }
    case .uint64: for word in words { bytes += encoded(try number(word) { UInt64($0) }) }
    default:
      var values: [Double] = []
      for word in words { values.append(try real(word)) }
      bytes = type.encode(values)
    }
  }
}

/// What a case says of an output.
struct Expected {
  var rows, columns: Int
  var values: [Double]
  var terms: [Double]?
  var bound: Double?
}

struct VectorCase {
  let function: String
  let name: String
  var inputs: [String: Elements] = [:]
  var numbers: [String: Double] = [:]
  var results: [String: Expected] = [:]
}

struct VectorFile {
  /// The function's, without nepit_.
  let name: String
  let cases: [VectorCase]
}

struct BadFile: Error, CustomStringConvertible {
  var description: String
}

/// All files, in the order of their names, byte by byte.
let vectorFiles: [VectorFile] = {
  do {
    let folder = testsFolder.appendingPathComponent("Vectors")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "txt" }
      .sorted { $0.lastPathComponent.utf8.lexicographicallyPrecedes($1.lastPathComponent.utf8) }
      .map(readVectors)
  } catch {
    fatalError("\(error)")
  }
}()

private func readVectors(_ url: URL) throws -> VectorFile {
  let name = url.deletingPathExtension().lastPathComponent
  var cases: [VectorCase] = []
  var current: VectorCase?
  for (index, line) in try String(contentsOf: url, encoding: .utf8).split(separator: "\n").enumerated() {
    let words = line.split(separator: " ")
    guard let first = words.first, !first.hasPrefix("#") else { continue }
    do throws(BadFile) {
      if first == "case" {
        guard current == nil, words.count == 2 else { throw BadFile(description: "a case in a case") }
        current = VectorCase(function: name, name: String(words[1]))
      } else if first == "end" {
        guard let done = current else { throw BadFile(description: "an end without a case") }
        cases.append(done)
        current = nil
      } else {
        try current?.read(first, Array(words.dropFirst()))
      }
    } catch {
      throw BadFile(description: "\(name).txt, line \(index + 1): \(error)")
    }
  }
  guard current == nil else { throw BadFile(description: "\(name).txt: the last case has no end") }
  return VectorFile(name: name, cases: cases)
}

extension VectorCase {
  fileprivate mutating func read(_ kind: Substring, _ words: [Substring]) throws(BadFile) {
    guard words.count >= 2 else { throw BadFile(description: "the line ends too early") }
    let parameter = String(words[0])
    switch kind {
    case "array":
      guard let type = elementTypes[String(words[1])] else { throw BadFile(description: "no such type") }
      let (rows, columns, values) = try matrix(words.dropFirst(2))
      inputs[parameter] = try Elements(words: Array(values), rows: rows, columns: columns, type: type)
    case "number":
      numbers[parameter] = try real(words[1])
    case "result":
      let (rows, columns, words) = try matrix(words.dropFirst())
      var values: [Double] = []
      for word in words { values.append(try real(word)) }
      results[parameter] = Expected(rows: rows, columns: columns, values: values)
    case "terms":
      var values: [Double] = []
      for word in try matrix(words.dropFirst()).values { values.append(try real(word)) }
      results[parameter]?.terms = values
    case "bound":
      results[parameter]?.bound = try real(words[1])
    default:
      throw BadFile(description: "a line begins with array, number, result, terms, bound or end")
    }
  }
}

private let elementTypes: [String: ElementType] = [
  "f64": .float64, "f32": .float32, "f16": .float16, "bf16": .bfloat16, "i8": .int8, "i16": .int16, "i32": .int32,
  "i64": .int64, "u8": .uint8, "u16": .uint16, "u32": .uint32, "u64": .uint64,
]

private func matrix(
  _ words: ArraySlice<Substring>
) throws(BadFile) -> (rows: Int, columns: Int, values: ArraySlice<Substring>) {
  guard words.count >= 2 else { throw BadFile(description: "the line ends too early") }
  let values = words.dropFirst(2)
  let rows = try number(words[words.startIndex]) { Int($0) }
  let columns = try number(words[words.startIndex + 1]) { Int($0) }
  guard values.count == rows * columns else { throw BadFile(description: "not \(rows) x \(columns) values") }
  return (rows, columns, values)
}

private func number<Number>(_ word: Substring, _ parse: (Substring) -> Number?) throws(BadFile) -> Number {
  guard let value = parse(word) else { throw BadFile(description: "\(word) is no number of its type") }
  return value
}

private func real(_ word: Substring) throws(BadFile) -> Double { try number(word) { Double($0) } }

// MARK: - Elements in memory

extension ElementType {
  /// Of one element, in bytes; not asked of the library, which is under test.
  var byteCount: Int { encode([0]).count }

  /// Values as the type's bytes, rounded to nearest where the type is a float.
  func encode(_ values: [Double]) -> [UInt8] {
    func bytes<Element>(_ convert: (Double) -> Element) -> [UInt8] {
      values.map(convert).withUnsafeBytes { Array($0) }
    }
    return switch self {
    case .float64: bytes { $0 }
    case .float32: bytes { Float($0) }
    case .float16: bytes { Float16($0) }
    case .bfloat16: bytes(bfloatBits)
    case .int8: bytes { Int8($0) }
    case .int16: bytes { Int16($0) }
    case .int32: bytes { Int32($0) }
    case .int64: bytes { Int64($0) }
    case .uint8: bytes { UInt8($0) }
    case .uint16: bytes { UInt16($0) }
    case .uint32: bytes { UInt32($0) }
    case .uint64: bytes { UInt64($0) }
    }
  }

  /// The value of an element of a floating-point type.
  func decode(_ bytes: UnsafeRawPointer) -> Double {
    switch self {
    case .float64: bytes.loadUnaligned(as: Double.self)
    case .float32: Double(bytes.loadUnaligned(as: Float.self))
    case .float16: Double(Float16(bitPattern: bytes.loadUnaligned(as: UInt16.self)))
    case .bfloat16: Double(Float(bitPattern: UInt32(bytes.loadUnaligned(as: UInt16.self)) << 16))
    default: fatalError("outputs are floats")
    }
  }
}

func encoded<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
  withUnsafeBytes(of: word) { Array($0) }
}

/// A double rounded to bfloat16, ties to even. By its neighbours, not by its bits: a bfloat16's are the high half of a
/// float's, and the next one's differ by 1.
func bfloatBits(_ value: Double) -> UInt16 {
  if value.isNaN { return value.sign == .minus ? 0xffc0 : 0x7fc0 }
  let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
  let size = value.magnitude
  func decoded(_ bits: UInt16) -> Double {
    // What would follow the greatest number, for the tie between it and infinity.
    bits == 0x7f80 ? 0x1p128 : Double(Float(bitPattern: UInt32(bits) << 16))
  }
  // The greatest that is not above, by halving.
  var low: UInt16 = 0, high: UInt16 = 0x7f80
  while low + 1 < high {
    let middle = (low + high) / 2
    if decoded(middle) <= size { low = middle } else { high = middle }
  }
  let below = size - decoded(low), above = decoded(high) - size
  let isUp = above < below || (above == below && low & 1 == 1)
  return sign | (isUp ? high : low)
}
