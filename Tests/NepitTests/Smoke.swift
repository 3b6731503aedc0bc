import CNepit
import CSystem
import NepitMath
import Testing

@testable import Nepit

@Test func smoke() {
  let p: [Double] = [1, 2, 3, 4]
  var out = 0.0
  #expect(nepit_entropy(nepit_vector_f64(p, 4), 2, nil, &out) == 0)
  print(out, entropy(of: p.span, in: .bits), NepitMath.log(2), lanes_from_half(0x3c00), Float16(1.5))
}
