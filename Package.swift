// swift-tools-version: 6.1
//
// Two builds of one source. By default the package is ordinary Swift, for
// tests and for packages that depend on Nepit: no unsafe flags, baseline
// kernels. With NEPIT_EMBEDDED=1 (the Makefile sets it) it is the shipped
// library: Embedded Swift, kernels for three instruction sets, one libnepit.so.
// docs/architecture.md tells why.

import PackageDescription

let isShipped = Context.environment["NEPIT_EMBEDDED"] == "1"
let root = Context.packageDirectory

/// What every module of the shipped library is compiled with.
let embedded: [SwiftSetting] =
  isShipped
  ? [
    .enableExperimentalFeature("Embedded"),
    .unsafeFlags([
      "-wmo", "-Xfrontend", "-function-sections", "-Xfrontend", "-disable-stack-protector", "-enforce-exclusivity=unchecked",
      // ENDBR64 where an indirect branch may land, and the note that says so.
      "-Xcc", "-fcf-protection=full",
      // The same file wherever it was built: no path of this place, nor of the cache of Clang modules, nor a hash of
      // such paths.
      "-file-prefix-map", "\(root)=.", "-Xfrontend", "-no-clang-module-breadcrumbs",
      "-Xfrontend", "-disable-incremental-llvm-codegen",
    ]),
    .define("NEPIT_WIDE_KERNELS"),
  ] : []

func kernels(_ level: String) -> [SwiftSetting] {
  embedded
    + (isShipped
      ? [.unsafeFlags(["-Xcc", "-march=\(level)"])]
        + (level == "x86-64" ? [] : [.define("NEPIT_WIDE")])
        + (level == "x86-64-v4" ? [.define("NEPIT_WIDEST")] : []) : [])
}

let wide: [Target] =
  isShipped
  ? [
    .target(name: "NepitKernelsV3", dependencies: ["CSystem"], swiftSettings: kernels("x86-64-v3")),
    .target(name: "NepitKernelsV4", dependencies: ["CSystem"], swiftSettings: kernels("x86-64-v4")),
  ] : []

let shipped: [Product] =
  isShipped || Context.environment["NEPIT_SHARED"] == "1"
  ? [.library(name: "nepit", type: .dynamic, targets: ["NepitABI"])] : []

let package = Package(
  name: "nepit",
  products: isShipped ? shipped : [.library(name: "Nepit", targets: ["Nepit"])] + shipped,
  targets: wide + [
    .systemLibrary(name: "CSystem"),
    .systemLibrary(name: "CNepit", path: "Include"),
    .target(name: "NepitKernels", dependencies: ["CSystem"], swiftSettings: kernels("x86-64")),
    .target(
      name: "NepitMath",
      dependencies: ["CSystem", "NepitKernels"] + wide.map { .target(name: $0.name) }, swiftSettings: embedded),
    .target(name: "Nepit", dependencies: ["NepitMath"], swiftSettings: embedded),
    .target(
      name: "NepitABI", dependencies: ["Nepit", "CNepit"],
      swiftSettings: embedded,
      linkerSettings: isShipped
        ? [
          .unsafeFlags([
            "-Xlinker", "--version-script=\(root)/Include/nepit.map", "-Xlinker", "-soname=libnepit.so.0",
            "-Xlinker", "--gc-sections", "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now",
            "-Xlinker", "-z", "-Xlinker", "noexecstack", "-Xlinker", "--no-undefined",
            // There is nothing to initialise, and Debian's crti.o has no ENDBR64.
            "-Xclang-linker", "-nostartfiles",
          ]),
          .linkedLibrary("m"),
        ] : [.linkedLibrary("m")]),
  ] + (isShipped ? [] : [
    .testTarget(
      name: "NepitTests", dependencies: ["Nepit", "NepitABI", "NepitMath", "CNepit", "CSystem"],
      exclude: ["README.md", "Vectors"]),
  ]),
  swiftLanguageModes: [.v6]
)
