"""The lab of the source tree: kernels, root file systems and virtual machines. Not shipped."""
