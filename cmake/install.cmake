# Binary, example configuration, licence and pages, in the places GNUInstallDirs names.
include(GNUInstallDirs)
install(TARGETS meta-model RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES config/meta-model.toml.example DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
