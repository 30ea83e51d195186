"""FRTM, of CVPR 2020: a target model fitted while the video runs, and a refinement network."""
