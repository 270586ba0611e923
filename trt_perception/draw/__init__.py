"""Pictures for people: results drawn into their image, and many images on one sheet."""
