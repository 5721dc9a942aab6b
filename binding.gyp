{
  "targets": [
    {
      "target_name": "thimble",
      "sources": [
        "<!@(node -p \"['native/addon.cc', ...['binding', 'media', 'rtsp'].flatMap(d => fs.readdirSync('native/' + d).filter(f => f.endsWith('.cc')).sort().map(f => 'native/' + d + '/' + f))].join(' ')\")"
      ],
      "include_dirs": [
        "native",
        "node_modules/node-addon-api",
        "node_modules/node-api-headers/include"
      ],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "_FILE_OFFSET_BITS=64"],
      "cflags": ["-Wall", "-Wextra", "-fvisibility=hidden", "<!@(pkg-config --cflags libavformat libavcodec libavutil)"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-O2"],
      "cflags_cc!": ["-fno-rtti"],
      "ldflags": ["-Wl,--as-needed", "-Wl,--gc-sections"],
      "libraries": ["<!@(pkg-config --libs libavformat libavcodec libavutil)", "-lpthread"]
    }
  ]
}
