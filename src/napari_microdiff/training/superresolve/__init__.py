"""Training to super-resolve: sharp images, and what blur, the pixels of a camera and its noise leave of them."""
