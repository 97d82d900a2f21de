// Settings of jemalloc, which reads them from this variable before main() begins.

// Two arenas keep a small process small: the loops hardly allocate at the same moment. What was not used again for a
// second goes back to the system, also when no request comes that would do it on its way.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
