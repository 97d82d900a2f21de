#include "dispatch/body_reader.hpp"

namespace meta_model::dispatch {

net::task<bool> read_body(
    net::event_loop& loop, upstream::call& call, std::size_t max_bytes, std::string& out
) {
    for (;;) {
        char* const buffer = loop.scratch();
        std::size_t got = 0;
        switch (call.try_read(buffer, net::event_loop::scratch_bytes, got)) {
            case upstream::read_state::data:
                if (out.size() + got > max_bytes) {
                    co_return false;
                }
                out.append(buffer, got);
                break;
            case upstream::read_state::end: co_return true;
            case upstream::read_state::failed: co_return false;
            case upstream::read_state::would_block: co_await call.wait(); break;
        }
    }
}

}  // namespace meta_model::dispatch
