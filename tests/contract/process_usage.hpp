// What a running process holds, from /proc.
#pragma once

#include "support/socket.hpp"

#include <cstddef>
#include <sys/types.h>

namespace meta_model::contract {

std::size_t resident_bytes(pid_t process);
// The most that it ever held.
std::size_t peak_resident_bytes(pid_t process);
std::size_t descriptor_count(pid_t process);
// Of all its threads since it began, in the kernel and outside of it.
support::milliseconds cpu_time(pid_t process);

// How many descriptors it may have from now on; those above stay open.
void limit_descriptors(pid_t process, std::size_t most);
// As many as the system allows for this process.
void raise_own_descriptor_limit();

}  // namespace meta_model::contract
