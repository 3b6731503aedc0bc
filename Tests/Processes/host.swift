// A program with the Swift runtime that loads libnepit, which is Swift without one: neither sees the other's. What it
// does besides (classes, generics, existentials, strings, closures) is what the runtime is for. Prints bits.

import CNepit
import Glibc

typealias Entropy = @convention(c) (nepit_array, Double, UnsafePointer<nepit_execution>?, UnsafeMutablePointer<Double>?)
  -> nepit_status

protocol Source { func row(_ index: Int) -> [Double] }

class Generator: Source {
  let modulus: Int
  init(modulus: Int) { self.modulus = modulus }
  func row(_ index: Int) -> [Double] { (0..<(1 + index * 7 % 1000)).map { Double(1 + ($0 * $0 + index) % modulus) } }
}

final class Cached<Base: Source>: Source {
  private let base: Base
  private var kept: [Int: [Double]] = [:]
  init(_ base: Base) { self.base = base }
  func row(_ index: Int) -> [Double] {
    if let row = kept[index] { return row }
    let row = base.row(index)
    kept[index] = row
    return row
  }
}

guard CommandLine.arguments.count == 2, let library = dlopen(CommandLine.arguments[1], RTLD_NOW | RTLD_GLOBAL),
  let symbol = dlsym(library, "nepit_entropy")
else { fatalError("host LIBRARY") }
let entropy = unsafeBitCast(symbol, to: Entropy.self)

let sources: [any Source] = [Generator(modulus: 97), Cached(Generator(modulus: 97))]
var lines: [String] = []
for index in 0..<1000 {
  let source = sources[index % sources.count]
  let row = source.row(index)
  var execution = nepit_execution()
  execution.size = MemoryLayout<nepit_execution>.size
  execution.threads = Int32(index % 3)
  var out = Double.nan
  let status = row.withUnsafeBufferPointer {
    entropy(nepit_vector_f64($0.baseAddress, $0.count), 2, &execution, &out)
  }
  precondition(status == NEPIT_OK && row == sources[1].row(index))
  lines.append(String(out.bitPattern, radix: 16))
}
dlclose(library)
print(lines.joined(separator: "\n"))
