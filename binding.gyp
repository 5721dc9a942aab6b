{
  "variables": {
    # Folder of the trimmed FFmpeg that scripts/build-ffmpeg.sh makes, seen from the makefiles; empty = the system's.
    "trimmed_ffmpeg%": ""
  },
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
      "cflags": ["-Wall", "-Wextra", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-O2"],
      "cflags_cc!": ["-fno-rtti"],
      "ldflags": ["-Wl,--as-needed", "-Wl,--gc-sections"],
      "conditions": [
        [
          "trimmed_ffmpeg==''",
          {
            "cflags": ["<!@(pkg-config --cflags libavformat libavcodec libswscale libavutil)"],
            "libraries": ["<!@(pkg-config --libs libavformat libavcodec libswscale libavutil)", "-lpthread"]
          },
          {
            "cflags": ["-isystem", "<(trimmed_ffmpeg)/include", "-ffunction-sections", "-fdata-sections"],
            # FFmpeg's assembly reaches its tables relative to the code (-Bsymbolic), and nobody else may see its symbols.
            "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,-Bsymbolic", "-Wl,--strip-all"],
            "libraries": [
              "<(trimmed_ffmpeg)/lib/libavformat.a",
              "<(trimmed_ffmpeg)/lib/libavcodec.a",
              "<(trimmed_ffmpeg)/lib/libswscale.a",
              "<(trimmed_ffmpeg)/lib/libswresample.a",
              "<(trimmed_ffmpeg)/lib/libavutil.a",
              "-lpthread",
              "-lm"
            ]
          }
        ]
      ]
    }
  ]
}
