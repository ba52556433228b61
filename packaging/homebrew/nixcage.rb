# SPDX-License-Identifier: GPL-3.0-or-later
class Nixcage < Formula
  desc "Run a program in a project, in a sandbox with tools from Nix"
  homepage "https://github.com/hamidr/nixcage"
  license "GPL-3.0-or-later"
  # For a tap: a release adds `url` and `sha256` of the tarball.
  head "https://github.com/hamidr/nixcage.git", branch: "main"

  depends_on "meson" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "tomlplusplus" => :build
  depends_on "jansson"
  depends_on "libevent"
  depends_on "libsodium"

  on_linux do
    depends_on "bubblewrap"
    depends_on "libseccomp"
  end

  def install
    options = ["-Dtests=false"]
    if OS.linux?
      options << "-Dbwrap=#{Formula["bubblewrap"].opt_bin}/bwrap"
    end
    system "meson", "setup", "build", *std_meson_args, *options
    system "meson", "compile", "-C", "build", "--verbose"
    system "meson", "install", "-C", "build"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/nixcage version") unless head?
    system bin/"nixcage", "init", "--preset", "minimal", testpath/"project"
    assert_path_exists testpath/"project/nixcage.toml"
  end
end
